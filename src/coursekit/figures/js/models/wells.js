// Two wells of equal depth, a shifted test loss, and one noisy walk.

/** Losses over the grid, the walk, and the curvature of a product model. */
export function wells({ shift, ratio, place, noise }) {
  const grid = Array.from({ length: 101 }, (_, k) => (k - 40) / 20);
  const [edge, scale] = [2 / (1 + Math.sqrt(ratio)) - 1, 30 * Math.sqrt(0.005 * noise)];
  const walk = [-1];
  for (let t = 0, state = 12345; t < 300; t++) {
    state = (state * 16807) % 2147483647;
    const slope = walk[t] < edge ? ratio * (walk[t] + 1) : walk[t] - 1;
    walk.push(walk[t] - 0.005 * slope - (state < 1073741824 ? scale : -scale));
  }
  const left = Math.max(0, walk.findIndex((x) => x > edge));
  return {
    train: grid.map((x) => wellsLoss(x, ratio)), test: grid.map((x) => wellsLoss(x - shift, ratio)),
    x: walk, narrow: wellsLoss(-1 - shift, ratio), wide: wellsLoss(1 - shift, ratio),
    w1: place, w2: 1 / place, sharp: place ** 2 + place ** -2, left,
    shifted: +(shift > 0), moved: +(Math.abs(place - 1) > 1e-9), gone: +(left > 0),
  };
}

/** The lower of the two parabolas. */
function wellsLoss(x, ratio) {
  return Math.min(ratio * (x + 1) ** 2, (x - 1) ** 2) / 2;
}

/** The field of the product model, for iso-lines. */
export function wellsField(x, y) {
  return Math.log10(1e-2 + (x * y - 1) ** 2 / 2);
}
