// Below a heat map: its colour scale, and what the signs on its cells mean.
import { formatNumber } from "../core/format.js";
import { cross, element, label, line, textWidth } from "../core/svg.js";
import { hatch } from "./cells.js";

/**
 * Draw the colour scale and the signs, once for all facets.
 * @param {object} panel
 * @param {object} view
 * @param {number} width
 * @returns {{height: number, markup: string}}
 */
export function footerOf(panel, view, width) {
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

function notesOf({ dots, dots_label, fails, group, group_label, changed, changed_label }) {
  return [
    dots && ["dot", dots_label],
    fails && ["cross", "diverged"],
    group && group_label && ["group", group_label],
    changed && ["hatch", changed_label],
  ].filter(Boolean);
}
