// Heatmap: a value over two dimensions, ✕ where it diverged, a dot where it is as good
// as the best.
import { formatNumber } from "../core/format.js";
import { axisNames, keepApart, refLabel } from "../core/frame.js";
import { positionsOf } from "../core/scale.js";
import { element, label, line, textWidth } from "../core/svg.js";
import { cellsOf, drawCell, outlineOf } from "./cells.js";
import { footerOf } from "./legend.js";

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
    selection(panel, view.hover, grid, true),
    view.chosen ? selection(panel, view.state, grid, false) : "",
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
      const words = refLabel(x + (late ? -5 : 5), grid.top - 6, ref.label, late ? "end" : "start",
        { top: grid.top - 16, bottom: grid.bottom });
      return bothInks(x, grid.top, x, grid.bottom) + words;
    }
    const row = panel.upwards ? grid.rows - 1 - place : place;
    const y = grid.top + (row + 0.5) * grid.h;
    return bothInks(grid.left, y, grid.right, y)
      + refLabel(grid.right, grid.top - 6, ref.label, "end", { top: 0, bottom: grid.top });
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
  const names = axisNames(panel, { ...grid, width: view.width, height: grid.bottom + 40 });
  return [...below, ...beside, names].join("");
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
