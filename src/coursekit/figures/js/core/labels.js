// Place labels so that none covers another.

const LINE = 15;

/**
 * @typedef {object} End
 * @property {number} x Where the line ends.
 * @property {number} y
 * @property {string} text
 * @property {number} width Of the text.
 * @property {boolean} context Whether it may be merged or left out.
 */

/**
 * Put labels of lines that end at the right edge into a column beside it.
 * @param {End[]} ends
 * @param {number} top
 * @param {number} bottom
 * @returns {Array<End & {labelY: number}>}
 */
export function columnLabels(ends, top, bottom) {
  const kept = mergeContext([...ends].sort((a, b) => a.y - b.y));
  const placed = kept.map((end) => ({ ...end, labelY: Math.max(end.y, top + 4) }));
  for (let k = 1; k < placed.length; k++) {
    placed[k].labelY = Math.max(placed[k].labelY, placed[k - 1].labelY + LINE);
  }
  let floor = bottom;
  for (const end of [...placed].reverse()) {
    end.labelY = Math.min(end.labelY, floor);
    floor = end.labelY - LINE;
  }
  return placed;
}

/** Merge context labels into "7 others" where more than three of them would touch. */
function mergeContext(ends) {
  const clusters = [];
  for (const end of ends.filter(({ context }) => context)) {
    const touches = clusters.length && end.y - clusters.at(-1).at(-1).y < LINE;
    if (touches) clusters.at(-1).push(end);
    else clusters.push([end]);
  }
  const crowds = clusters.filter((cluster) => cluster.length > 3);
  const merged = crowds.map((crowd) =>
    ({ ...crowd[Math.floor(crowd.length / 2)], text: `${crowd.length} others` }));
  const kept = ends.filter((end) => !crowds.some((crowd) => crowd.includes(end)));
  return [...kept, ...merged].sort((a, b) => a.y - b.y);
}

/**
 * Put labels of lines that end inside the plot next to their ends; leave out a context
 * label that finds no room.
 * @param {End[]} ends
 * @param {Array<object>} taken Boxes already in use.
 * @param {{left: number, right: number, top: number, bottom: number}} plot
 * @returns {Array<End & {labelX: number, labelY: number}>}
 */
export function insideLabels(ends, taken, plot) {
  const placed = [];
  const boxes = [...taken];
  const first = (a, b) => Number(a.context) - Number(b.context);
  for (const end of [...ends].sort(first)) {
    const options = candidates(end).map(([x, y]) => ({
      labelX: Math.max(plot.left + 2, Math.min(x, plot.right - end.width - 2)),
      labelY: Math.max(plot.top + 10, Math.min(y, plot.bottom - 4)),
    }));
    const free = options.find((o) => !boxes.some((b) => overlap(b, boxOf(o, end.width))));
    if (!free && end.context) continue;
    const chosen = free ?? options[0];
    boxes.push(boxOf(chosen, end.width));
    placed.push({ ...end, ...chosen });
  }
  return placed;
}

function candidates({ x, y, width }) {
  return [
    [x + 8, y - 8], [x + 8, y + 4], [x + 8, y + 16],
    [x - width - 8, y - 8], [x - width - 8, y + 16], [x - width / 2, y - 14],
    [x - width / 2, y + 24],
  ];
}

/** The box of a label set on its baseline. */
export function boxOf({ labelX, labelY }, width) {
  return { left: labelX, right: labelX + width, top: labelY - 11, bottom: labelY + 4 };
}

/** Whether two boxes overlap. */
export function overlap(a, b) {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}
