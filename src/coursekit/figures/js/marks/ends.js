// How lines end: their labels, the ✕ of a diverged run, the arrow where they leave.
import { columnLabels, insideLabels } from "../core/labels.js";
import { cross, element, label, line, pathThrough, textWidth } from "../core/svg.js";
import { drawablePoints } from "./curves.js";

/** Decide whether labels stand at the line ends or, where that is too narrow, on top. */
export function labelPlaces(panel, curves, width) {
  const named = panel.labels ? curves.filter((curve) => curve.text) : [];
  const widths = named.map((c) => textWidth(c.text, 12, c.focus));
  const crowd = named.filter((c) => c.context).length;
  const merged = crowd > 3 ? textWidth(`${crowd} others`) : 0;
  const widest = Math.max(merged, ...widths);
  if (!named.length || named.every((c) => c.points)) return { right: 12 };
  if (widest + 14 <= width * 0.3) return { right: widest + 14 };
  let [x, row] = [0, 0];
  const legend = named.filter((c) => !c.context).map((curve) => {
    const taken = textWidth(curve.text, 12, true) + 44;
    if (x && x + taken > width) [x, row] = [0, row + 1];
    const item = { curve, x, y: 33 + 18 * row };
    x += taken;
    return item;
  });
  return { right: 12, top: 18 * (row + 1), legend };
}

/** Draw the labels that stand on top. */
export function legendOf(items) {
  return items.map(({ curve, x, y }) =>
    line(x, y - 4, x + 22, y - 4, strokeClass(curve))
    + label(x + 28, y, curve.text, { class: textClass(curve) })).join("");
}

/** Classes of a line. */
export function strokeClass({ colour, dash, focus, theory }) {
  if (theory) return "ck-ref";
  return `ck-line ck-s-${colour} ck-d${dash % 5}${focus ? " ck-focus" : ""}`;
}

function textClass({ colour, focus }) {
  return `ck-label ck-t-${colour}${focus ? " ck-strong" : ""}`;
}

/** Mark how a line ends early: ✕ where it diverged, an arrow where it leaves the view. */
export function endMark(curve, frame) {
  if (curve.points || curve.theory) return "";
  const shade = `ck-s-${curve.colour}`;
  const points = drawablePoints(curve, frame);
  const outside = ({ y }) => y < frame.top - 2 || y > frame.bottom + 2;
  const leaves = points.findIndex((p, k) => k > 0 && outside(p) && !outside(points[k - 1]));
  if (leaves > 0) return leavingArrow(points[leaves - 1], points[leaves], frame, shade);
  const died = curve.ys.findIndex((y) => y === Infinity);
  const last = points.filter(({ k }) => k < died).at(-1);
  return last && !outside(last) ? cross(last.x, last.y, 4, `ck-cross ${shade}`) : "";
}

function leavingArrow(before, after, { top, bottom }, shade) {
  const [edge, side] = after.y < top ? [top, 1] : [bottom, -1];
  const x = before.x + ((edge - before.y) / (after.y - before.y)) * (after.x - before.x);
  const d = pathThrough([[x - 4, edge + 6 * side], [x, edge], [x + 4, edge + 6 * side]]);
  return element("path", { d, class: `ck-arrow ${shade}` });
}

/** Draw the labels that stand at the line ends. */
export function endLabels(panel, curves, frame) {
  if (!panel.labels) return "";
  const named = curves.filter((curve) => curve.text && !curve.points);
  const ends = named.map((curve) => endOf(curve, frame)).filter(Boolean);
  const atEdge = (end) => end.x > frame.right - 24;
  const column = columnLabels(ends.filter(atEdge), frame.top, frame.bottom - 4);
  const inside = insideLabels(ends.filter((end) => !atEdge(end)), [], frame);
  const write = (x, end) => label(x, end.labelY, end.text, { class: textClass(end.curve) });
  return column.map((end) => write(frame.right + 8, { ...end, labelY: end.labelY + 4 })).join("")
    + inside.map((end) => write(end.labelX, end)).join("");
}

function endOf(curve, frame) {
  const seen = ({ y }) => y >= frame.top - 2 && y <= frame.bottom + 2;
  const last = drawablePoints(curve, frame).filter(seen).at(-1);
  if (!last) return null;
  const { text, context, focus } = curve;
  return { x: last.x, y: last.y, text, context, width: textWidth(text, 12, focus), curve };
}
