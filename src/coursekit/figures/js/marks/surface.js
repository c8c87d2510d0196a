// Surface: iso-lines of a field, paths, points, arrows, a start to drag, a slice.
import { levelsOf, sampleField, traceLevel } from "../core/contour.js";
import { formatNumber } from "../core/format.js";
import { clipPath, createFrame, refLabel } from "../core/frame.js";
import { boxOf } from "../core/labels.js";
import { positionsOf } from "../core/scale.js";
import { cross, element, label, line, marker, pathThrough, textWidth } from "../core/svg.js";

const SAMPLES = 60;
const drawn = new Map();

/**
 * Draw a Surface panel.
 * @param {object} panel
 * @param {object} view
 * @returns {object} Markup, and what pointer, keys and table need.
 */
export function surface(panel, view) {
  const frame = createFrame({ ...panel, width: view.width, height: view.height });
  const clip = `${view.id}-clip`;
  const paths = panel.paths.map((path) => pathOf(panel, path, view, frame));
  const steps = paths.flatMap((path) => dense(path.seen));
  const inside = [
    isoLines(panel, view, frame),
    panel.slice ? sliceLine(panel, view, frame) : "",
    ...paths.map((path) => path.line),
  ].join("");
  const body = [
    frame.axes,
    clipPath(clip, frame),
    element("g", { "clip-path": `url(#${clip})` }, inside),
    ...paths.map((path) => path.end),
    ...panel.points.map((point) => pointOf(point, view, frame, steps)),
    ...panel.arrows.map((arrow) => arrowOf(arrow, view, frame)),
    panel.start ? handleOf(panel, view, frame, steps) : "",
  ];
  return {
    body: body.join(""),
    pick: (x, y) => panel.start && startAt(panel, frame, x, y),
    keys: panel.start && keysOf(panel.start),
    table: () => tableOf(panel, view),
  };
}

function keysOf([x, y]) {
  return { ArrowRight: [x, 1], ArrowLeft: [x, -1], ArrowUp: [y, 1], ArrowDown: [y, -1] };
}

/** Trace the iso-lines, or take them from the last drawing if nothing moved them. */
function isoLines(panel, view, frame) {
  const fixed = panel.field
    ? view.space.array(panel.field, view.state).dims.map((d) => view.state[d])
    : Object.values(view.space.inputs(view.state));
  const key = JSON.stringify([fixed, frame.left, frame.right, frame.top, frame.bottom]);
  const before = drawn.get(view.id);
  if (before?.key === key) return before.markup;
  const { xs, ys, values } = panel.field ? storedField(panel, view) : closedField(panel, view);
  const [px, py] = [xs.map(frame.x), ys.map(frame.y)];
  const levels = levelsOf(values, panel.levels);
  const markup = levels.map((level, k) => {
    const style = `opacity:${(0.95 - (0.6 * k) / levels.length).toFixed(2)}`;
    return element("path", { d: traceLevel(values, level, px, py), class: "ck-iso", style });
  }).join("");
  drawn.set(view.id, { key, markup });
  return markup;
}

function storedField(panel, { space, state }) {
  const [xs, ys] = [panel.x, panel.y].map((d) => positionsOf(space.dims[d]));
  const value = (i, j) => space.at(panel.field, { ...state, [panel.x]: i, [panel.y]: j });
  return { xs, ys, values: ys.map((_, j) => xs.map((__, i) => value(i, j))) };
}

function closedField(panel, { space, state }) {
  const spread = ([low, high]) =>
    Array.from({ length: SAMPLES + 1 }, (_, k) => low + ((high - low) * k) / SAMPLES);
  const [xs, ys] = [spread(panel.xlim), spread(panel.ylim)];
  return { xs, ys, values: sampleField(space.field(state), xs, ys) };
}

/** Draw a path up to the shown moment; stop it where it leaves the view. */
function pathOf(panel, path, { space, state }, frame) {
  const shown = (state[panel.cursor] ?? Infinity) + 1;
  const [xs, ys] = [path.x, path.y].map((n) => space.along(n, panel.cursor, state));
  const steps = xs.map((x, k) => [frame.x(x), frame.y(ys[k])]).slice(0, shown);
  const outside = ([x, y]) => !(x >= frame.left - 1 && x <= frame.right + 1
    && y >= frame.top - 1 && y <= frame.bottom + 1);
  const left = steps.findIndex(outside);
  const seen = left > 0 ? steps.slice(0, left + 1) : steps;
  const dot = ([x, y]) => marker(0, x, y, 1.9, `ck-f-${path.colour}`);
  const dots = seen.length <= 150 ? seen.map(dot).join("") : "";
  const looks = `ck-line ck-s-${path.colour} ck-focus`;
  const stroke = element("path", { d: pathThrough(seen), class: looks });
  return { seen, line: stroke + dots, end: endOf(panel, path, seen, left, frame, space) };
}

function endOf(panel, path, seen, left, frame, space) {
  if (!seen.length) return "";
  const [x, y] = seen.at(-1);
  if (left <= 0) {
    const words = nearLabel(x, y, path.label, frame, seen);
    return marker(1, x, y, 4.5, `ck-mark ck-f-${path.colour}`) + words;
  }
  const at = [
    Math.max(frame.left + 6, Math.min(frame.right - 6, x)),
    Math.max(frame.top + 6, Math.min(frame.bottom - 6, y)),
  ];
  const side = at[0] > (frame.left + frame.right) / 2 ? "end" : "start";
  const text = `leaves at ${space.dims[panel.cursor].names[left]}`;
  const words = refLabel(at[0] + (side === "end" ? -10 : 10), at[1] + 4, text, side, frame);
  return cross(at[0], at[1], 4.5, `ck-cross ck-s-${path.colour}`) + words;
}

function pointOf({ x, y, label: text }, { space, state }, frame, steps) {
  const at = [frame.x(space.scalar(x, state)), frame.y(space.scalar(y, state))];
  if (!at.every(Number.isFinite)) return "";
  return marker(3, ...at, 4.5, "ck-mark ck-f-ink") + nearLabel(...at, text, frame, steps);
}

/** Write words next to a place, on the side that covers least of the paths. */
function nearLabel(x, y, text, frame, steps) {
  if (!text) return "";
  const width = textWidth(text);
  const places = [
    [x + 12, y + 4], [x - 12 - width, y + 4], [x + 9, y - 10], [x - 9 - width, y - 10],
    [x + 9, y + 20], [x - 9 - width, y + 20], [x - width / 2, y - 14], [x - width / 2, y + 24],
  ];
  const covered = ([labelX, labelY]) => {
    const box = boxOf({ labelX, labelY }, width);
    const outside = box.left < frame.left || box.right > frame.right
      || box.top < frame.top || box.bottom > frame.bottom;
    const within = ([px, py]) => px > box.left - 3 && px < box.right + 3
      && py > box.top - 2 && py < box.bottom + 2;
    return steps.filter(within).length + (outside ? 1000 : 0);
  };
  const costs = places.map(covered);
  const [labelX, labelY] = places[costs.indexOf(Math.min(...costs))];
  return label(labelX, labelY, text, { class: "ck-label" });
}

/** Fill in places between steps, so that a label sees the line and not its corners. */
function dense(steps) {
  return steps.flatMap(([x, y], k) => {
    const [nx, ny] = steps[k + 1] ?? [x, y];
    return [0, 0.2, 0.4, 0.6, 0.8].map((t) => [x + t * (nx - x), y + t * (ny - y)]);
  });
}

function arrowOf(arrow, { space, state }, frame) {
  const number = (value) => space.scalar(value, state);
  const from = [frame.x(number(arrow.x)), frame.y(number(arrow.y))];
  const to = [frame.x(number(arrow.to_x)), frame.y(number(arrow.to_y))];
  const angle = Math.atan2(to[1] - from[1], to[0] - from[0]);
  const barb = (turn) => [to[0] - 9 * Math.cos(angle + turn), to[1] - 9 * Math.sin(angle + turn)];
  const head = `${pathThrough([barb(0.4), to, barb(-0.4)])}`;
  const side = Math.cos(angle) < 0 ? "end" : "start";
  return element("path", {
    d: pathThrough([from, to]) + head, class: `ck-line ck-focus ck-s-${arrow.colour}`,
  }) + refLabel(to[0] + (side === "end" ? -6 : 6), to[1] - 6, arrow.label, side, frame);
}

function sliceLine(panel, { space, state }, frame) {
  const [cx, cy] = panel.start.map((d) => space.valueOf(d, state));
  const turn = (space.scalar(panel.slice, state) * Math.PI) / 180;
  const reach = 2 * Math.max(panel.xlim[1] - panel.xlim[0], panel.ylim[1] - panel.ylim[0]);
  const [dx, dy] = [reach * Math.cos(turn), reach * Math.sin(turn)];
  return line(frame.x(cx - dx), frame.y(cy - dy), frame.x(cx + dx), frame.y(cy + dy), "ck-ref");
}

function handleOf(panel, { space, state }, frame, steps) {
  const [x, y] = panel.start.map((d, k) => [frame.x, frame.y][k](space.valueOf(d, state)));
  const words = nearLabel(x, y, panel.start_label, frame, steps);
  return words + element("circle", { cx: x, cy: y, r: 8, class: "ck-handle" })
    + element("circle", { cx: x, cy: y, r: 16, class: "ck-grip" });
}

function startAt(panel, frame, px, py) {
  const held = (value, [low, high]) => Math.max(low, Math.min(high, value));
  const [x, y] = [held(frame.x.invert(px), panel.xlim), held(frame.y.invert(py), panel.ylim)];
  const inside = px >= frame.left - 16 && px <= frame.right + 16
    && py >= frame.top - 16 && py <= frame.bottom + 16;
  return inside ? { set: { [panel.start[0]]: x, [panel.start[1]]: y }, hover: {} } : null;
}

function tableOf(panel, { space, state }) {
  if (!panel.cursor || !panel.paths.length) {
    const rows = panel.points.map((p) =>
      [p.label, ...[p.x, p.y].map((v) => formatNumber(space.scalar(v, state)))]);
    const start = (panel.start ?? []).map((d) => formatNumber(space.valueOf(d, state)));
    const first = start.length ? [["start", ...start]] : [];
    return { head: ["point", panel.xlabel, panel.ylabel], rows: [...first, ...rows] };
  }
  const names = panel.paths.flatMap((p) => [p.x, p.y]);
  const columns = names.map((name) => space.along(name, panel.cursor, state));
  const prefix = (p) => (p.label ? `${p.label}: ` : "");
  const head = panel.paths.flatMap((p) => [panel.xlabel, panel.ylabel].map((l) => prefix(p) + l));
  const { label: first, names: moments } = space.dims[panel.cursor];
  const rows = moments.map((name, k) => [name, ...columns.map((c) => formatNumber(c[k]))]);
  return { head: [first, ...head], rows };
}
