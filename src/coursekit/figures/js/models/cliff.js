// One step at the cliff of h_T = w^T h₀, loss (h_T − 1)² / 2, clipped or not.

/** Loss along w, the step, where it lands, and how far clipping turned it. */
export function cliff({ w, h0, T, rate, way, bound }) {
  const error = w ** T * h0 - 1;
  const g = [error * T * w ** (T - 1) * h0, error * w ** T];
  const used = clipped(g, way, bound);
  const norm = Math.hypot(...g), length = Math.hypot(...used);
  const raw = Math.atan2(g[1], g[0]), angle = Math.atan2(used[1], used[0]);
  const w1 = w - rate * used[0], h1 = h0 - rate * used[1];
  const turn = (Math.abs(angle - raw) * 180) / Math.PI;
  const after = Math.min(cliffLoss(w1, h1, T), 1e308);
  const curve = Array.from({ length: 81 }, (_, k) => cliffLoss((160 + k) / 200, h0, T));
  return {
    curve, w0: w, w1, h1, before: cliffLoss(w, h0, T), after, norm, moved: rate * length,
    angle: turn, ...tip("r", w, h0, 0.16, raw), ...tip("u", w, h0, 0.1, angle),
    free: +(way === "none"), idle: +(used[0] === g[0] && used[1] === g[1]),
    turned: +(turn > 0.05), away: +(w1 < 0.8 || w1 > 1.2), over: +(after === 1e308),
  };
}

/** The gradient as it is used. */
function clipped(g, way, bound) {
  if (way === "by value") return g.map((v) => Math.max(-bound, Math.min(bound, v)));
  const scale = way === "by norm" ? Math.min(1, bound / Math.hypot(...g)) : 1;
  return g.map((v) => v * scale);
}

/** Start and head of an arrow against a direction. */
function tip(name, w, h, length, angle) {
  const head = [w - length * Math.cos(angle), h - length * Math.sin(angle)];
  return { [`${name}x`]: head[0], [`${name}y`]: head[1], [`${name}w`]: w, [`${name}h`]: h };
}

/** The loss. */
function cliffLoss(w, h, T) {
  return (w ** T * h - 1) ** 2 / 2;
}

/** The field whose iso-lines are drawn. */
export function cliffField(w, h, { T }) {
  return Math.log10(1e-3 + cliffLoss(w, h, T));
}
