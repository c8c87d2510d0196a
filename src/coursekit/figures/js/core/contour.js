// Iso-lines by marching squares.

/**
 * Sample a field on a grid of points.
 * @param {Function} f Called with x and y.
 * @param {number[]} xs
 * @param {number[]} ys
 * @returns {number[][]} Rows of values, one row a y.
 */
export function sampleField(f, xs, ys) {
  return ys.map((y) => xs.map((x) => f(x, y)));
}

/**
 * Choose levels: denser towards the minimum of a bowl, equally spaced for a field that
 * takes both signs.
 * @param {number[][]} values
 * @param {number} count
 * @returns {number[]}
 */
export function levelsOf(values, count) {
  const known = values.flat().filter(Number.isFinite);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const power = low < -0.05 * high ? 1 : 2.5;
  const step = (k) => low + (high - low) * ((k + 1) / (count + 1)) ** power;
  return Array.from({ length: count }, (_, k) => step(k));
}

/**
 * Trace one level.
 * @param {number[][]} values
 * @param {number} level
 * @param {number[]} px Pixel of each column.
 * @param {number[]} py Pixel of each row.
 * @returns {string} Path data.
 */
export function traceLevel(values, level, px, py) {
  let d = "";
  for (let j = 0; j + 1 < py.length; j++) {
    for (let i = 0; i + 1 < px.length; i++) {
      const corners = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]];
      const cuts = corners.flatMap((from, k) => {
        const to = corners[(k + 1) % 4];
        const [a, b] = [values[from[1]][from[0]], values[to[1]][to[0]]];
        if (a < level === b < level) return [];
        const t = (level - a) / (b - a);
        return [[mix(px[from[0]], px[to[0]], t), mix(py[from[1]], py[to[1]], t)]];
      });
      for (let k = 0; k + 1 < cuts.length; k += 2) {
        d += `M${cuts[k].map(tenth)}L${cuts[k + 1].map(tenth)}`;
      }
    }
  }
  return d;
}

const mix = (a, b, t) => a + (b - a) * t;
const tenth = (v) => v.toFixed(1);
