// Build SVG as strings: small helpers that every mark uses.
import { escapeText } from "./format.js";

let measuring;

/**
 * Measure text, in pixels.
 * @param {string} text
 * @param {number} [size]
 * @param {boolean} [bold]
 * @returns {number}
 */
export function textWidth(text, size = 12, bold = false) {
  if (typeof document === "undefined") return text.length * size * 0.56;
  measuring ??= document.createElement("canvas").getContext("2d");
  measuring.font = `${bold ? "700 " : ""}${size}px system-ui, sans-serif`;
  return measuring.measureText(text).width;
}

/**
 * Write one element.
 * @param {string} tag
 * @param {object} attributes Undefined and null ones are left out.
 * @param {string} [content] Markup inside.
 * @returns {string}
 */
export function element(tag, attributes, content = "") {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined && value !== null && value !== "")
    .map(([key, value]) => ` ${key}="${escapeText(pixels(value))}"`)
    .join("");
  return content ? `<${tag}${written}>${content}</${tag}>` : `<${tag}${written}/>`;
}

/** Write a text at a place. */
export function label(x, y, text, attributes = {}) {
  return element("text", { x, y, ...attributes }, escapeText(text));
}

/** Write a straight line. */
export function line(x1, y1, x2, y2, className) {
  return element("line", { x1, y1, x2, y2, class: className });
}

/** Write the path through points. @param {Array<[number, number]>} points */
export function pathThrough(points) {
  return points.map(([x, y], k) => `${k ? "L" : "M"}${pixels(x)} ${pixels(y)}`).join("");
}

/** Round a coordinate to a tenth of a pixel and keep it within what SVG can draw. */
export function pixels(value) {
  if (typeof value !== "number") return value;
  return Math.round(Math.max(-1e4, Math.min(1e4, value)) * 10) / 10;
}

/**
 * Draw a series' marker: circle, square, triangle, diamond, triangle down.
 * @param {number} kind
 * @param {number} x
 * @param {number} y
 * @param {number} r
 * @param {string} className
 */
export function marker(kind, x, y, r, className) {
  if (kind % 5 === 0) return element("circle", { cx: x, cy: y, r, class: className });
  const shapes = [
    null,
    [[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]],
    [[0, -1.2], [1.1, 0.8], [-1.1, 0.8]],
    [[0, -1.25], [1.25, 0], [0, 1.25], [-1.25, 0]],
    [[0, 1.2], [1.1, -0.8], [-1.1, -0.8]],
  ];
  const corners = shapes[kind % 5].map(([dx, dy]) => [x + dx * r, y + dy * r]);
  return element("path", { d: `${pathThrough(corners)}Z`, class: className });
}

/** Draw the ✕ of a diverged run. */
export function cross(x, y, r, className = "ck-cross") {
  const d = `M${pixels(x - r)} ${pixels(y - r)}l${2 * r} ${2 * r}m0 ${-2 * r}l${-2 * r} ${2 * r}`;
  return element("path", { d, class: className });
}
