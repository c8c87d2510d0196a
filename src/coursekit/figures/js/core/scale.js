// Scales and their ticks.

/**
 * Map a range of values to a range of pixels.
 * @param {[number, number]} domain
 * @param {[number, number]} range
 * @param {boolean} [log]
 * @returns {Function} The scale, with its inverse as `.invert`.
 */
export function createScale([low, high], [from, to], log = false) {
  const forward = log ? Math.log : (v) => v;
  const [a, b] = [forward(low), forward(high)];
  const scale = (v) => from + ((forward(v) - a) / (b - a || 1)) * (to - from);
  scale.invert = (pixel) => {
    const v = a + ((pixel - from) / (to - from || 1)) * (b - a);
    return log ? Math.exp(v) : v;
  };
  return Object.assign(scale, { domain: [low, high], log });
}

/**
 * Choose round values to write at an axis.
 * @param {[number, number]} domain
 * @param {boolean} log
 * @param {number} [count] About how many.
 * @returns {number[]}
 */
export function ticksOf([low, high], log, count = 5) {
  return log ? logTicks(low, high, count) : linearTicks(low, high, count);
}

function linearTicks(low, high, count) {
  const power = 10 ** Math.floor(Math.log10((high - low) / count));
  const step = power * [1, 2, 5, 10].find((m) => (high - low) / (power * m) <= count);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  const places = Array.from({ length: last - first + 1 }, (_, k) => first + k);
  return places.map((k) => Number((k * step).toPrecision(12)));
}

function logTicks(low, high, count) {
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const last = Math.floor(Math.log10(high) + 1e-9);
  const decades = Array.from({ length: Math.max(0, last - first + 1) }, (_, k) => first + k);
  if (decades.length >= 3) {
    const every = Math.ceil(decades.length / (count + 1));
    return decades.filter((e) => e % every === 0).map((e) => Number(`1e${e}`));
  }
  const inside = (t) => t >= low * 0.999 && t <= high * 1.001;
  const between = [];
  for (let e = first - 1; e <= last + 1; e++) {
    between.push(...[1, 2, 5].map((m) => Number(`${m}e${e}`)).filter(inside));
  }
  return between.length >= 2 ? between : linearTicks(low, high, count);
}

/** Where the settings of a dimension lie on an axis. */
export function positionsOf(dim) {
  const numeric = dim.values.every((v) => typeof v === "number");
  return numeric ? dim.values : [...dim.values.keys()];
}
