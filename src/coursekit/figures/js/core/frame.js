// The plot area of a panel with axes: margins, grid, tick labels, names of the axes.
import { formatNumber } from "./format.js";
import { createScale, ticksOf } from "./scale.js";
import { element, label, line, textWidth } from "./svg.js";

const TOP = 26;
const BOTTOM = 38;

/**
 * Lay out a plot with two axes.
 * @param {object} spec xlim, ylim, xlog, ylog, xlabel, ylabel; height and width; right
 *   and top (extra margins); rows (texts on the left in place of numbers).
 * @returns {object} Scales x and y, edges, and the markup of the axes.
 */
export function createFrame(spec) {
  const { width, height, xlim, ylim, xlog = false, ylog = false } = spec;
  const top = TOP + (spec.top ?? 0);
  const bottom = height - BOTTOM;
  const yticks = spec.rows ? [] : ticksOf(ylim, ylog, Math.max(3, (bottom - top) / 44));
  const names = spec.rows ?? yticks.map((t) => formatNumber(t));
  const left = Math.max(26, ...names.map((n) => textWidth(n))) + 10;
  const right = width - (spec.right ?? 12);
  const x = createScale(xlim, [left, right], xlog);
  const y = createScale(ylim ?? [0, 1], [bottom, top], ylog);
  const plot = { left, right, top, bottom, width, height };
  return { ...plot, x, y, axes: axesOf(spec, plot, x, y, yticks) };
}

function axesOf(spec, { left, right, top, bottom, height }, x, y, yticks) {
  const xticks = ticksOf(spec.xlim, spec.xlog ?? false, Math.max(2, (right - left) / 64));
  const columns = keepApart(xticks.map((t) => ({ at: x(t), text: formatNumber(t) })));
  const marks = columns.map(({ at, text, shown }) => {
    const tick = line(at, top, at, bottom, "ck-grid");
    return tick + (shown ? label(at, bottom + 16, text, { "text-anchor": "middle" }) : "");
  });
  const rows = yticks.map((t) => {
    const name = label(left - 8, y(t) + 4, formatNumber(t), { "text-anchor": "end" });
    return line(left, y(t), right, y(t), "ck-grid") + name;
  });
  return element("g", {}, [...marks, ...rows, axisNames(spec, left, right, height)].join(""));
}

/** Write the names of both axes: y above its axis, x below. */
export function axisNames({ xlabel, ylabel }, left, right, height) {
  const below = { "text-anchor": "middle", class: "ck-axis" };
  const centre = (left + right) / 2;
  const room = Math.max(centre, textWidth(xlabel ?? "") / 2 + 2);
  return (ylabel ? label(0, 13, ylabel, { class: "ck-axis" }) : "")
    + (xlabel ? label(room, height - 6, xlabel, below) : "");
}

/**
 * Leave out texts that would touch the one before.
 * @param {Array<{at: number, text: string}>} items In order of place.
 * @returns {Array<{at: number, text: string, shown: boolean}>}
 */
export function keepApart(items, gap = 6) {
  let end = -Infinity;
  return items.map((item) => {
    const half = textWidth(item.text) / 2;
    const shown = item.at - half > end + gap;
    if (shown) end = item.at + half;
    return { ...item, shown };
  });
}
