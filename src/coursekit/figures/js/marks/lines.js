// Lines: y(x) with seed bands, families with one line in focus, scatters.
import { formatNumber } from "../core/format.js";
import { clipPath, createFrame, refLabel } from "../core/frame.js";
import { element, label, line, marker, pathThrough, textWidth } from "../core/svg.js";
import { collectCurves, drawablePoints, isDrawable } from "./curves.js";
import { endLabels, endMark, labelPlaces, legendOf, strokeClass } from "./ends.js";

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
    cursorsOf(panel, view, curves, frame),
    places.legend ? legendOf(places.legend) : endLabels(panel, curves, frame),
  ];
  return {
    body: body.join(""),
    pick: (x, y) => nearest(panel, view, curves, frame, x, y),
    keys: panel.pick && { ArrowRight: [panel.axis, 1], ArrowLeft: [panel.axis, -1] },
    table: () => tableOf(panel, view, curves),
  };
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

/** Mark the shown moment, and the place that another panel points at. */
function cursorsOf(panel, view, curves, frame) {
  const places = [[view.state[panel.cursor], "ck-cursor"], [view.hover[panel.axis], "ck-linked"]];
  return places.map(([place, look]) =>
    (place === undefined ? "" : cursorAt(place, look, curves, frame))).join("");
}

function cursorAt(place, look, curves, frame) {
  const focus = curves.filter((curve) => curve.focus && !curve.points);
  const at = focus.at(-1)?.xs[place];
  if (at === undefined || (frame.x.log && at <= 0)) return "";
  const dots = focus.map((curve) => {
    const [x, y] = [frame.x(curve.xs[place]), frame.y(curve.ys[place])];
    const seen = Number.isFinite(y) && y >= frame.top - 1 && y <= frame.bottom + 1;
    return seen ? marker(curve.dash, x, y, 4.5, `ck-mark ck-f-${curve.colour}`) : "";
  });
  return line(frame.x(at), frame.top, frame.x(at), frame.bottom, look) + dots.join("");
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
    const [shift, side] = late ? [-5, "end"] : [5, "start"];
    const words = refLabel(x + shift, frame.top + 11, ref.label, side, frame);
    return line(x, frame.top, x, frame.bottom, "ck-ref") + words;
  });
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
