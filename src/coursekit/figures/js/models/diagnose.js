// The decision tree of coursekit.diagnosis.diagnose: from losses to a diagnosis.

/** Number of the node reached, in the order in which the tree is read. */
export function diagnose({ train, smaller, measured, test, tolerance }) {
  const known = measured === "measured";
  const node = train > tolerance
    ? known ? (train > smaller + tolerance ? 4 : 5) : 2
    : test > train + tolerance ? 7 : 8;
  const leaves = { open: 2, optimization: 4, bias: 5, gap: 7, done: 8 };
  const flags = Object.entries(leaves).map(([name, leaf]) => [name, Number(node === leaf)]);
  return { node, losses: [train, known ? smaller : NaN, test], ...Object.fromEntries(flags) };
}
