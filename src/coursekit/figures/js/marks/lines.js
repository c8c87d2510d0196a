// Lines: y(x) with seed bands, families with one line in focus, scatters.
import { formatNumber } from "../core/format.js";
import { clipPath, createFrame, refLabel } from "../core/frame.js";
import { columnLabels, insideLabels } from "../core/labels.js";
import { cross, element, label, line, marker, pathThrough, textWidth } from "../core/svg.js";
import { collectCurves } from "./curves.js";

/**
 * Draw a Lines panel.
 * @param {object} panel
 * @param {object} view
 * @returns {object} Markup, and what pointer, keys and table need.
 */
export function lines(panel, view) {
  const curves = collectCurves(panel, view);
  const places = labelPlaces(panel, curves, view.width);
  const frame = createFrame({ ...panel, ...places, width: view.width, height: view.height });
  const clip = `${view.id}-clip`;
  const inside = [
    ...curves.flatMap((curve) => bandsOf(curve, frame)),
    ...curves.map((curve) => strokeOf(panel, view, curve, frame)),
  ].join("");
  const body = [
    frame.axes,
    clipPath(clip, frame),
    ...refLines(panel, view, frame),
    element("g", { "clip-path": `url(#${clip})` }, inside),
    ...curves.map((curve) => endMark(curve, frame)),
    cursorOf(panel, view, curves, frame),
    places.legend ? legendOf(places.legend) : endLabels(panel, curves, frame),
  ];
  return {
    body: body.join(""),
    pick: (x, y) => nearest(panel, view, curves, frame, x, y),
    keys: panel.pick && { ArrowRight: [panel.axis, 1], ArrowLeft: [panel.axis, -1] },
    table: () => tableOf(panel, view, curves),
  };
}

/** Decide whether labels stand at the line ends or, where that is too narrow, on top. */
function labelPlaces(panel, curves, width) {
  const named = panel.labels ? curves.filter((curve) => curve.text) : [];
  const widths = named.map((c) => textWidth(c.text, 12, c.focus));
  const widest = Math.max(0, ...widths);
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

function legendOf(items) {
  return items.map(({ curve, x, y }) =>
    line(x, y - 4, x + 22, y - 4, strokeClass(curve))
    + label(x + 28, y, curve.text, { class: textClass(curve) })).join("");
}

function strokeClass({ colour, dash, focus, theory }) {
  if (theory) return "ck-ref";
  return `ck-line ck-s-${colour} ck-d${dash % 5}${focus ? " ck-focus" : ""}`;
}

function textClass({ colour, focus }) {
  return `ck-label ck-t-${colour}${focus ? " ck-strong" : ""}`;
}

function bandsOf({ focus, band, half, colour, xs }, frame) {
  if (!focus || !band) return [];
  const fill = ([low, high]) => {
    const known = xs.map((x, k) => [x, low[k], high[k]]).filter(isDrawable(frame));
    const upper = known.map(([x, , top]) => [frame.x(x), frame.y(top)]);
    const lower = known.map(([x, bottom]) => [frame.x(x), frame.y(bottom)]).reverse();
    const d = known.length ? `${pathThrough([...upper, ...lower])}Z` : "M0 0";
    return element("path", { d, class: `ck-band ck-f-${colour}` });
  };
  const edge = (ys) =>
    element("path", { d: pathsOf({ xs, ys }, frame), class: `ck-extreme ck-s-${colour}` });
  return half ? [fill(half), ...band.map(edge)] : [fill(band)];
}

const isDrawable = ({ x, y }) => ([at, ...values]) =>
  values.every((v) => Number.isFinite(v) && !(y.log && v <= 0)) && !(x.log && at <= 0);

function pathsOf({ xs, ys }, frame) {
  let d = "";
  let open = false;
  xs.forEach((x, k) => {
    const there = isDrawable(frame)([x, ys[k]]);
    if (there) d += pathThrough([[frame.x(x), frame.y(ys[k])]]).replace("M", open ? "L" : "M");
    open = there;
  });
  return d;
}

function strokeOf(panel, view, curve, frame) {
  const hovered = panel.over && view.hover[panel.over] === curve.member;
  const mark = hovered ? " ck-hover" : "";
  if (curve.points) {
    return drawablePoints(curve, frame).map(({ x, y, k }) => {
      const chosen = panel.pick && view.state[panel.axis] === k;
      const linked = view.hover[panel.axis] === k;
      const [r, more] = chosen || linked ? [6, " ck-chosen"] : [3.5, ""];
      return marker(curve.dash, x, y, r, `ck-mark ck-f-${curve.colour}${more}`);
    }).join("");
  }
  return element("path", { d: pathsOf(curve, frame), class: strokeClass(curve) + mark });
}

function drawablePoints(curve, frame) {
  return curve.xs.map((x, k) => ({ k, at: [x, curve.ys[k]] }))
    .filter(({ at }) => isDrawable(frame)(at))
    .map(({ k, at }) => ({ k, x: frame.x(at[0]), y: frame.y(at[1]) }));
}

/** Mark how a line ends early: ✕ where it diverged, an arrow where it leaves the view. */
function endMark(curve, frame) {
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

function cursorOf(panel, view, curves, frame) {
  const place = view.state[panel.cursor];
  const focus = curves.filter((curve) => curve.focus && !curve.points);
  if (place === undefined || !focus.length) return "";
  const at = focus.at(-1).xs[place];
  if (frame.x.log && at <= 0) return "";
  const dots = focus.map((curve) => {
    const [x, y] = [frame.x(curve.xs[place]), frame.y(curve.ys[place])];
    const seen = Number.isFinite(y) && y >= frame.top - 1 && y <= frame.bottom + 1;
    return seen ? marker(curve.dash, x, y, 4.5, `ck-mark ck-f-${curve.colour}`) : "";
  });
  return line(frame.x(at), frame.top, frame.x(at), frame.bottom, "ck-cursor") + dots.join("");
}

function refLines(panel, view, frame) {
  return panel.refs.filter((ref) => !ref.curve).map((ref) => {
    const at = (value) => view.space.scalar(value, view.state);
    if (ref.y !== null) {
      const y = frame.y(at(ref.y));
      if (!(y >= frame.top - 1 && y <= frame.bottom + 1)) return "";
      const words = refLabel(frame.left + 5, y - 5, ref.label, "start", frame);
      return line(frame.left, y, frame.right, y, "ck-ref") + words;
    }
    const x = frame.x(at(ref.x));
    if (!(x >= frame.left - 1 && x <= frame.right + 1)) return "";
    const late = x + textWidth(ref.label) + 8 > frame.right;
    const words = refLabel(late ? x - 5 : x + 5, frame.top + 11, ref.label, late ? "end" : "start", frame);
    return line(x, frame.top, x, frame.bottom, "ck-ref") + words;
  });
}

function endLabels(panel, curves, frame) {
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

function nearest(panel, view, curves, frame, px, py) {
  if (!panel.pick && !panel.linked.length) return null;
  const distance = ({ x, y, points }) => (points ? Math.hypot(x - px, y - py) : Math.abs(x - px));
  const all = curves.filter((c) => c.focus || panel.linked.length).flatMap((curve) =>
    drawablePoints(curve, frame).map((p) => ({ ...p, points: curve.points, curve })));
  if (!all.length || px < frame.left - 20 || px > frame.right + 20) return null;
  const near = all.reduce((a, b) => (distance(b) < distance(a) ? b : a));
  const family = panel.over && panel.linked.includes(panel.over);
  const close = all.filter(({ k }) => k === near.k)
    .reduce((a, b) => (Math.abs(b.y - py) < Math.abs(a.y - py) ? b : a));
  return {
    set: panel.pick ? { [panel.axis]: near.k } : null,
    hover: { [panel.axis]: near.k, ...(family && { [panel.over]: close.curve.member }) },
  };
}

function tableOf(panel, view, curves) {
  const own = panel.x === panel.axis;
  const dim = view.space.dims[panel.axis];
  const shown = own ? curves : curves.filter((curve) => curve.focus);
  const names = shown.map((curve) => curve.text || panel.ylabel || "value");
  const head = [dim.label, ...(own ? [] : [panel.xlabel]), ...names];
  const rows = dim.names.map((name, k) => [
    name,
    ...(own || !shown.length ? [] : [formatNumber(shown[0].xs[k])]),
    ...shown.map((curve) => formatNumber(curve.ys[k])),
  ]);
  return { head, rows };
}
