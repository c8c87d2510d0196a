// Descent on f = (κ x² + y²) / 2, learning rate in units of 1/λ_max.

/** Path, loss and convergence factors of GD, momentum or Nesterov's method. */
export function descent({ method, kappa, rate, mu, x0, y0 }) {
  const [curvature, eta, beta] = [[kappa, 1], rate / kappa, method === "GD" ? 0 : mu];
  const [path, velocity] = [[[x0, y0]], [0, 0]];
  for (let t = 0; t < 100; t++) {
    path.push(path[t].map((theta, i) => {
      const ahead = method === "Nesterov" ? theta - beta * velocity[i] : theta;
      velocity[i] = beta * velocity[i] + eta * curvature[i] * ahead;
      return theta - velocity[i];
    }));
  }
  const loss = path.map(([x, y]) => descentField(x, y, { kappa }));
  const [steep, flat] = curvature.map((c) => spectralRadius(method, beta, eta * c));
  const [reached, rho] = [loss.findIndex((v) => v < 1e-4 * loss[0]), Math.max(steep, flat)];
  return {
    px: path.map((p) => p[0]), py: path.map((p) => p[1]), loss, rho, steep, flat,
    best: (2 * kappa) / (1 + kappa), heavy: (4 * kappa) / (1 + Math.sqrt(kappa)) ** 2,
    reached: Math.max(reached, 0), grows: +(rho > 1 + 1e-9), slow: +(reached < 0),
  };
}

/** The field whose iso-lines are drawn. */
export function descentField(x, y, { kappa }) {
  return (kappa * x * x + y * y) / 2;
}

/** Larger root of z² − c z + d, the two-step recursion in one direction. */
function spectralRadius(method, beta, a) {
  const [c, d] = method === "Nesterov"
    ? [(1 + beta) * (1 - a), beta * (1 - a)] : [1 + beta - a, beta];
  const disc = c * c - 4 * d;
  return disc >= 0 ? (Math.abs(c) + Math.sqrt(disc)) / 2 : Math.sqrt(d);
}
