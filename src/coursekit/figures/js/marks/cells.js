// The cells of a heat map: colour, text, ✕ and dot, hatching, the outline of a group.
import { cssColour, inkOn, rampColour } from "../core/colour.js";
import { formatNumber } from "../core/format.js";
import { cross, element, label, textWidth } from "../core/svg.js";

/** Read all cells of the present state, column by column. */
export function cellsOf(panel, view, grid) {
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
  if (Number.isNaN(value)) return null;
  const [low, high] = panel.zlim;
  const t = panel.zlog
    ? Math.log(value / low) / Math.log(high / low)
    : (value - low) / (high - low || 1);
  return rampColour(view.palette[panel.ramp], t);
}

/** Draw one cell. */
export function drawCell(panel, { x, y, width, height, value, rgb, dot, changed }, grid) {
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

/** Hatch a box in an ink. */
export function hatch({ x, y, width, height }, ink) {
  const d = [0.25, 0.5, 0.75]
    .map((t) => `M${x + t * width} ${y}L${x} ${y + t * height}`
      + `M${x + width} ${y + t * height}L${x + t * width} ${y + height}`).join("");
  return element("path", { d, class: "ck-hatch", style: `stroke:${ink}` });
}

/** Outline the cells of a group where they border on others. */
export function outlineOf(cells, grid) {
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
