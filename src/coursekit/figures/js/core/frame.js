// The plot area of a panel with axes: margins, grid, tick labels, names of the axes.
import { formatNumber } from "./format.js";
import { createScale, ticksOf } from "./scale.js";
import { element, label, line, textWidth } from "./svg.js";

const TOP = 26;
const BOTTOM = 38;

/**
 * Lay out a plot with two axes.
 * @param {object} spec xlim, ylim, xlog, ylog, xlabel, ylabel; height and width; right
 *   and top (extra margins); rows (texts on the left in place of numbers); quiet (in
 *   all columns of facets but the first, where the name of y is not repeated).
 * @returns {object} Scales x and y, edges, and the markup of the axes.
 */
export function createFrame(spec) {
  const { width, height, xlim, ylim, xlog = false, ylog = false } = spec;
  const right = width - (spec.right ?? 12);
  const words = linesAbove(spec.ylabel, right);
  const top = TOP + (spec.top ?? 0) + 15 * Math.max(0, words.length - 1);
  const bottom = height - BOTTOM;
  const yticks = spec.rows ? [] : ticksOf(ylim, ylog, Math.max(3, (bottom - top) / 44));
  const names = spec.rows ?? tickNames(yticks, ylog);
  const left = Math.max(26, ...names.map((n) => textWidth(n))) + 10;
  const x = createScale(xlim, [left, right], xlog);
  const y = createScale(ylim ?? [0, 1], [bottom, top], ylog);
  const plot = { left, right, top, bottom, width, height };
  const rows = yticks.map((t, k) => rowTick(y(t), names[k], plot));
  const axes = [columnTicks(xlim, xlog, x, plot), ...rows, axisNames(spec, plot)];
  return { ...plot, x, y, axes: element("g", {}, axes.join("")) };
}

function columnTicks(xlim, xlog, x, { left, right, top, bottom }) {
  const ticks = ticksOf(xlim, xlog, Math.max(2, (right - left) / 64));
  const names = tickNames(ticks, xlog);
  const columns = keepApart(ticks.map((t, k) => ({ at: x(t), text: names[k] })));
  return columns.map(({ at, text, shown }) => {
    const words = shown ? label(at, bottom + 16, text, { "text-anchor": "middle" }) : "";
    return line(at, top, at, bottom, "ck-grid") + words;
  }).join("");
}

function rowTick(y, name, { left, right }) {
  const words = label(left - 8, y + 4, name, { "text-anchor": "end" });
  return line(left, y, right, y, "ck-grid") + words;
}

/** Write tick values; on a log axis that needs powers, all as powers. */
function tickNames(ticks, log) {
  const powers = log && ticks.some((t) => t < 1e-3 || t >= 1e5);
  const spec = (t) => (powers && t !== 1 && t !== 10 ? ".2e" : "");
  return ticks.map((t) => formatNumber(t, spec(t)));
}

/** Write the names of both axes: y above its axis, x below; neither leaves the panel. */
export function axisNames({ xlabel, ylabel, quiet }, { left, right, width, height }) {
  const below = { "text-anchor": "middle", class: "ck-axis" };
  const half = textWidth(xlabel ?? "") / 2;
  const centre = Math.max(Math.min((left + right) / 2, width - half - 2), half + 2);
  const above = quiet ? [] : linesAbove(ylabel, right).map((text, k) =>
    label(0, 13 + 15 * k, text, { class: "ck-axis" }));
  return above.join("") + (xlabel ? label(centre, height - 6, xlabel, below) : "");
}

/** Break the name of y, which reaches from the panel's edge to the right end of x. */
function linesAbove(ylabel, right) {
  return wrapText(ylabel, Math.max(right, 120));
}

function wrapText(text, width) {
  const lines = [];
  for (const word of text ? text.split(" ") : []) {
    const longer = lines.length ? `${lines.at(-1)} ${word}` : word;
    if (lines.length && textWidth(longer) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/**
 * Show every text, or every second, third … until none touches the one before.
 * @param {Array<{at: number, text: string}>} items In order of place.
 * @returns {Array<{at: number, text: string, shown: boolean}>}
 */
export function keepApart(items, gap = 6) {
  const halves = items.map(({ text }) => textWidth(text) / 2);
  const apart = (k, every) => k < every
    || items[k].at - halves[k] > items[k - every].at + halves[k - every] + gap;
  let every = 1;
  while (!items.every((_, k) => k % every || apart(k, every))) every += 1;
  return items.map((item, k) => ({ ...item, shown: k % every === 0 }));
}

/** Clip to the plot area. */
export function clipPath(id, { left, right, top, bottom }) {
  const rect = { x: left - 1, y: top - 1, width: right - left + 2, height: bottom - top + 2 };
  return element("clipPath", { id }, element("rect", rect));
}

/** Write the words of a reference line, kept inside the plot. */
export function refLabel(x, y, text, anchor, { top, bottom }) {
  const inside = Math.max(top + 11, Math.min(bottom - 5, y));
  return text ? label(x, inside, text, { class: "ck-label", "text-anchor": anchor }) : "";
}
