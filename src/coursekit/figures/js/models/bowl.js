// Least squares with two inputs and a bias: GD after a treatment of the inputs.

/** Eigenvalues of the Hessian, a path at the best fixed rate, losses of all treatments. */
export function bowl({ how, ratio, offset, rho }) {
  const walks = ["none", "centre", "standardise", "PCA", "whiten"]
    .map((way) => [way, bowlWalk(bowlHessian(way, ratio, offset, rho))]);
  const { path, eigenvalue } = walks.find(([way]) => way === how)[1];
  const shown = path.slice(0, 21);
  const kappa = eigenvalue[0] / eigenvalue[2];
  const shrink = Math.log1p(-2 / (kappa + 1));
  return {
    px: shown.map((e) => e[0]), py: shown.map((e) => e[1]), eigenvalue, kappa,
    updates: Math.max(1, Math.ceil(Math.log(1e-4) / (2 * shrink))), round: +(kappa < 1.001),
    ...Object.fromEntries(walks.map(([way, walk]) => [`loss_${way}`, walk.loss])),
  };
}

/** The loss over the weights, at the bias of the minimum. */
export function bowlField(x, y, { how, ratio, offset, rho }) {
  const h = bowlHessian(how, ratio, offset, rho);
  return (h[0][0] * x * x + 2 * h[0][1] * x * y + h[1][1] * y * y) / 2;
}

/** Hessian over two weights and the bias; a third entry keeps its determinant. */
function bowlHessian(how, r, offset, rho) {
  const [u, v] = how === "none" ? [offset, offset * r] : [0, 0];
  let [a, b, c] = how === "standardise" ? [1, rho, 1] : [1, r * rho, r * r];
  const det = a * c - b * b;
  if (how === "PCA") {
    const top = (a + c + Math.hypot(a - c, 2 * b)) / 2;
    [a, b, c] = [top, 0, det / top];
  }
  if (how === "whiten") [a, b, c] = [1, 0, 1];
  const rows = [[a + u * u, b + u * v, u], [b + u * v, c + v * v, v], [u, v, 1]];
  return Object.assign(rows, { det: how === "whiten" ? 1 : det });
}

/** A hundred updates from one start. */
function bowlWalk(h) {
  const eigenvalue = bowlEigenvalues(h);
  const eta = 2 / (eigenvalue[0] + eigenvalue[2]);
  const slope = (e) => h.map((row) => row[0] * e[0] + row[1] * e[1] + row[2] * e[2]);
  const loss = (e) => slope(e).reduce((sum, g, k) => sum + (g * e[k]) / 2, 0);
  const path = [[-1.2, 0.4, 0]];
  for (let t = 0; t < 100; t++) {
    const g = slope(path[t]);
    path.push(path[t].map((e, k) => e - eta * g[k]));
  }
  const first = loss(path[0]);
  return { path, eigenvalue, loss: path.map((e) => Math.max(loss(e) / first, 1e-12)) };
}

/** Jacobi's rotations; the smallest by the determinant, which loses no digits. */
function bowlEigenvalues(h) {
  const a = h.map((row) => [...row]);
  for (let k = 0; k < 30; k++) {
    const [p, q] = [[0, 1], [0, 2], [1, 2]][k % 3];
    const turn = Math.atan2(2 * a[p][q], a[q][q] - a[p][p]) / 2;
    const [c, s] = [Math.cos(turn), Math.sin(turn)];
    for (const row of a) [row[p], row[q]] = [c * row[p] - s * row[q], s * row[p] + c * row[q]];
    [a[p], a[q]] = [a[p].map((v, j) => c * v - s * a[q][j]),
      a[p].map((v, j) => s * v + c * a[q][j])];
  }
  const [top, middle] = a.map((row, k) => row[k]).sort((x, y) => y - x);
  return [top, middle, h.det / (top * middle)];
}
