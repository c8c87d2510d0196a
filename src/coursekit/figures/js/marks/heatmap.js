// Heatmap: a value over two dimensions, ✕ where it diverged, a dot where it is as good
// as the best.
import { cssColour, inkOn, rampColour } from "../core/colour.js";
import { formatNumber } from "../core/format.js";
import { axisNames, keepApart, refLabel } from "../core/frame.js";
import { positionsOf } from "../core/scale.js";
import { cross, element, label, line, textWidth } from "../core/svg.js";

/**
 * Draw a Heatmap panel.
 * @param {object} panel
 * @param {object} view
 * @returns {object} Markup, and what pointer, keys and table need.
 */
export function heatmap(panel, view) {
  const footer = view.footerWidth && footerOf(panel, view, view.footerWidth);
  const grid = gridOf(panel, view, footer?.height ?? 0);
  const cells = cellsOf(panel, view, grid);
  const body = [
    ...cells.map((cell) => drawCell(panel, cell, grid)),
    outlineOf(cells, grid),
    ...refLines(panel, view, grid),
    ...[view.hover, view.state].map((at, k) => selection(panel, at, grid, k === 0)),
    axisLabels(panel, view, grid),
    footer ? moved(footer.markup, view.height - footer.height) : "",
  ];
  const up = panel.upwards ? 1 : -1;
  return {
    body: body.join(""),
    pick: (x, y) => cellAt(panel, grid, x, y),
    keys: {
      ArrowRight: [panel.x, 1], ArrowLeft: [panel.x, -1],
      ArrowUp: [panel.y, up], ArrowDown: [panel.y, -up],
    },
    table: () => tableOf(panel, view, cells),
    footer: (width) => footerOf(panel, view, width),
  };
}

function moved(markup, down) {
  return element("g", { transform: `translate(0 ${down})` }, markup);
}

function gridOf(panel, view, below) {
  const { dims } = view.space;
  const [columns, rows] = [dims[panel.x].names.length, dims[panel.y].names.length];
  const names = Math.max(...dims[panel.y].names.map((n) => textWidth(n)));
  const [left, right, top] = [Math.min(names, view.width * 0.3) + 10, view.width - 2, 26];
  const bottom = view.height - below - 44;
  const [w, h] = [(right - left) / columns, (bottom - top) / rows];
  const boxOf = (i, j) => {
    const row = panel.upwards ? rows - 1 - j : j;
    return { x: left + i * w, y: top + row * h, width: w, height: h };
  };
  return { left, right, top, bottom, columns, rows, w, h, boxOf };
}

function notesOf({ dots, dots_label, fails, group, group_label, changed, changed_label }) {
  return [
    dots && ["dot", dots_label],
    fails && ["cross", "diverged"],
    group && group_label && ["group", group_label],
    changed && ["hatch", changed_label],
  ].filter(Boolean);
}

function cellsOf(panel, view, grid) {
  const cells = [];
  for (let i = 0; i < grid.columns; i++) {
    for (let j = 0; j < grid.rows; j++) {
      const state = { ...view.state, [panel.x]: i, [panel.y]: j };
      const is = (mask) => Boolean(mask) && view.space.at(mask, state) === 1;
      const value = view.space.at(panel.z, state);
      cells.push({
        i, j, value, ...grid.boxOf(i, j), rgb: colourOf(panel, view, value),
        dot: is(panel.dots), grouped: is(panel.group), changed: is(panel.changed),
      });
    }
  }
  return cells;
}

function colourOf(panel, view, value) {
  const [low, high] = panel.zlim;
  const t = panel.zlog
    ? Math.log(value / low) / Math.log(high / low)
    : (value - low) / (high - low || 1);
  return rampColour(view.palette[panel.ramp], t);
}

function drawCell(panel, { x, y, width, height, value, rgb, dot, changed }, grid) {
  const gap = Math.min(1, width / 8);
  const box = { x, y, width: width - gap, height: height - gap, rx: Math.min(2, width / 8) };
  const [cx, cy] = [x + (width - gap) / 2, y + (height - gap) / 2];
  if (value === Infinity) {
    const size = Math.min(5, width / 4, height / 4);
    return element("rect", { ...box, class: "ck-failed" }) + cross(cx, cy, size);
  }
  if (Number.isNaN(value)) return element("rect", { ...box, class: "ck-failed" });
  const ink = inkOn(rgb);
  const text = panel.show === null ? "" : formatNumber(value, panel.show);
  const fits = text && grid.w >= 30 && grid.h >= 15 && textWidth(text, 11) <= grid.w - 4;
  const corner = { cx: x + width - 6, cy: y + 5.5, r: 2.6, class: "ck-best" };
  return element("rect", { ...box, fill: cssColour(rgb) })
    + (changed ? hatch(box, ink) : "")
    + (fits ? label(cx, cy + 4, text, { class: "ck-cell", style: `fill:${ink}` }) : "")
    + (dot ? element("circle", corner) : "");
}

function hatch({ x, y, width, height }, ink) {
  const d = [0.25, 0.5, 0.75]
    .map((t) => `M${x + t * width} ${y}L${x} ${y + t * height}`
      + `M${x + width} ${y + t * height}L${x + t * width} ${y + height}`).join("");
  return element("path", { d, class: "ck-hatch", style: `stroke:${ink}` });
}

/** Outline the cells of a group where they border on others. */
function outlineOf(cells, grid) {
  const grouped = new Set(cells.filter((c) => c.grouped).map(({ x, y }) => key(x, y)));
  if (!grouped.size) return "";
  const sides = ({ x, y, width: w, height: h }) => [
    [x - w, y, `M${x} ${y}v${h}`], [x + w, y, `M${x + w} ${y}v${h}`],
    [x, y - h, `M${x} ${y}h${w}`], [x, y + h, `M${x} ${y + h}h${w}`],
  ].filter(([nx, ny]) => !grouped.has(key(nx, ny))).map(([, , d]) => d);
  const d = cells.filter((c) => c.grouped).flatMap(sides).join("");
  const fine = grid.h < 18 ? " ck-fine" : "";
  return ["ck-outline-under", "ck-outline"]
    .map((c) => element("path", { d, class: c + fine })).join("");
  function key(x, y) {
    return `${Math.round((x - grid.left) / grid.w)},${Math.round((y - grid.top) / grid.h)}`;
  }
}

function selection(panel, at, grid, hover) {
  const [i, j] = [at[panel.x], at[panel.y]];
  if (hover && i === undefined && j === undefined) return "";
  if (!hover && (!panel.picked.length || i === undefined || j === undefined)) return "";
  const from = grid.boxOf(i ?? 0, j ?? (panel.upwards ? grid.rows - 1 : 0));
  const box = {
    x: from.x - 0.5, y: from.y - 0.5,
    width: i === undefined ? grid.w * grid.columns : grid.w,
    height: j === undefined ? grid.h * grid.rows : grid.h,
  };
  if (hover) return element("rect", { ...box, class: "ck-hovered" });
  return ["ck-outline-under", "ck-outline"]
    .map((c) => element("rect", { ...box, rx: 2, class: c })).join("");
}

function refLines(panel, view, grid) {
  const { dims } = view.space;
  return panel.refs.map((ref) => {
    const value = view.space.scalar(ref.x ?? ref.y, view.state);
    const vertical = ref.x !== null;
    const place = betweenSettings(dims[vertical ? panel.x : panel.y], value);
    if (vertical) {
      const x = grid.left + (place + 0.5) * grid.w;
      const late = x + textWidth(ref.label) + 8 > grid.right;
      const words = refLabel(x + (late ? -5 : 5), grid.top - 4, ref.label, late ? "end" : "start",
        { top: grid.top - 16, bottom: grid.bottom });
      return bothInks(x, grid.top, x, grid.bottom) + words;
    }
    const row = panel.upwards ? grid.rows - 1 - place : place;
    const y = grid.top + (row + 0.5) * grid.h;
    return bothInks(grid.left, y, grid.right, y)
      + refLabel(grid.right, grid.top - 5, ref.label, "end", { top: 0, bottom: grid.top });
  });
}

/** Draw a dashed line that shows on every colour: black gaps filled with white. */
function bothInks(...ends) {
  return line(...ends, "ck-ref-under") + line(...ends, "ck-ref-over");
}

/** Place a value between the settings of a dimension. */
function betweenSettings(dim, value) {
  const places = positionsOf(dim);
  const f = dim.log ? Math.log : (v) => v;
  const k = Math.max(0, Math.min(places.length - 2, places.findLastIndex((p) => p <= value)));
  if (places.length < 2) return 0;
  return k + (f(value) - f(places[k])) / (f(places[k + 1]) - f(places[k]));
}

function axisLabels(panel, view, grid) {
  const { dims } = view.space;
  const columns = dims[panel.x].names.map((text, i) => ({
    at: grid.left + (i + 0.5) * grid.w, text,
  }));
  const below = keepApart(columns, 4).filter(({ shown }) => shown).map(({ at, text }) =>
    label(at, grid.bottom + 16, text, { "text-anchor": "middle" }));
  const every = Math.ceil(13 / grid.h);
  const beside = dims[panel.y].names.map((text, j) => {
    const y = grid.boxOf(0, j).y + grid.h / 2 + 4;
    return j % every ? "" : label(grid.left - 7, y, text, { "text-anchor": "end" });
  });
  const names = axisNames(panel, grid.left, grid.right, grid.bottom + 40);
  return [...below, ...beside, names].join("");
}

/** The colour scale and what the signs mean, once for all facets. */
function footerOf(panel, view, width) {
  const [low, high] = panel.zlim.map((v) => formatNumber(v, panel.show ?? ""));
  const before = panel.zlabel ? `${panel.zlabel}  ${low}` : low;
  const end = width - textWidth(high) - 8;
  const length = Math.max(40, Math.min(140, end - textWidth(before) - 8));
  const start = end - length;
  const { notes, height } = placeNotes(panel, width, start - textWidth(before) - 24);
  const y = height - 13;
  const words = label(start - 8, y + 9, before, { "text-anchor": "end" })
    + label(width, y + 9, high, { "text-anchor": "end" });
  return { height, markup: notes.join("") + gradientBar(panel, view, start, y, length) + words };
}

function gradientBar(panel, view, x, y, width) {
  const stops = view.palette[panel.ramp];
  const id = `${view.id}-ramp`;
  const parts = stops.map((colour, k) =>
    element("stop", { offset: `${(100 * k) / (stops.length - 1)}%`, "stop-color": colour }));
  const middle = x + width / 2;
  return element("linearGradient", { id }, parts.join(""))
    + element("rect", { x, y, width, height: 9, rx: 2, fill: `url(#${id})` })
    + (panel.ramp === "signed" ? line(middle, y - 3, middle, y + 12, "ck-cursor") : "");
}

/** Put the signs beside the colour scale, or in rows above it if they are too long. */
function placeNotes(panel, width, room) {
  const items = notesOf(panel).map(([kind, text]) => ({ kind, text, size: 31 + textWidth(text) }));
  const total = items.reduce((sum, { size }) => sum + size, 0);
  if (total <= room) return { notes: noteRow(items, 13), height: 22 };
  const rows = [[]];
  for (const item of items) {
    const taken = rows.at(-1).reduce((sum, { size }) => sum + size, 0);
    if (taken && taken + item.size > width + 16) rows.push([item]);
    else rows.at(-1).push(item);
  }
  const notes = rows.flatMap((row, k) => noteRow(row, 11 + 18 * k));
  return { notes, height: 18 * rows.length + 26 };
}

function noteRow(items, cy) {
  let x = 0;
  return items.map(({ kind, text, size }) => {
    const glyph = {
      dot: () => element("circle", { cx: x + 5, cy, r: 3, class: "ck-best" }),
      cross: () => cross(x + 5, cy, 3.5),
      group: () => element("rect", { x, y: cy - 5, width: 10, height: 10, class: "ck-sample" }),
      hatch: () => hatch({ x, y: cy - 5, width: 10, height: 10 }, "currentColor"),
    }[kind]();
    const words = label(x + 15, cy + 4, text);
    x += size;
    return glyph + words;
  });
}

function cellAt(panel, grid, px, py) {
  const i = Math.floor((px - grid.left) / grid.w);
  const row = Math.floor((py - grid.top) / grid.h);
  if (i < 0 || i >= grid.columns || row < 0 || row >= grid.rows) return null;
  const at = { [panel.x]: i, [panel.y]: panel.upwards ? grid.rows - 1 - row : row };
  return { set: panel.picked.length ? at : null, hover: at };
}

function tableOf(panel, view, cells) {
  const { dims } = view.space;
  const [columns, rows] = [dims[panel.x].names, dims[panel.y].names];
  const head = [`${panel.ylabel} \\ ${panel.xlabel}`, ...columns];
  const value = (i, j) => cells[i * rows.length + j].value;
  const body = rows.map((name, j) =>
    [name, ...columns.map((_, i) => formatNumber(value(i, j), panel.show ?? ""))]);
  return { head, rows: panel.upwards ? body.reverse() : body };
}
