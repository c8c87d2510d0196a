// Ridges: one distribution a layer or a moment, on a shared x.
import { formatNumber } from "../core/format.js";
import { createFrame } from "../core/frame.js";
import { element, label, line, pathThrough } from "../core/svg.js";

const OVERLAP = 1.45;

/**
 * Draw a Ridges panel.
 * @param {object} panel
 * @param {object} view
 * @returns {object} Markup, and what pointer, keys and table need.
 */
export function ridges(panel, view) {
  const { names } = view.space.dims[panel.over];
  const frame = createFrame({ ...panel, rows: names, width: view.width, height: view.height });
  const step = (frame.bottom - frame.top) / (names.length + OVERLAP - 1);
  const rows = names.map((name, k) => ({ name, k, base: frame.bottom - k * step }));
  const every = Math.ceil(13 / step);
  const body = [frame.axes];
  for (const row of rows.toReversed()) {
    body.push(ridgeOf(panel, view, frame, row, step));
    if (row.k % every === 0) body.push(rowLabel(panel, view, frame, row));
  }
  return {
    body: body.join(""),
    pick: (x, y) => rowAt(panel, frame, step, names.length, y),
    keys: panel.linked.length && { ArrowUp: [panel.over, 1], ArrowDown: [panel.over, -1] },
    table: () => tableOf(panel, view),
  };
}

function ridgeOf(panel, view, frame, { k, base }, step) {
  const row = { ...view.state, [panel.over]: k };
  const bins = view.space.dims[panel.bins].values;
  const heights = view.space.along(panel.hist, panel.bins, row);
  if (heights.some(Number.isNaN)) {
    const text = label(frame.left + 6, base - 3, "diverged", { class: "ck-label" });
    return line(frame.left, base, frame.right, base, "ck-grid") + text;
  }
  const hovered = view.hover[panel.over] === k || view.state[panel.over] === k;
  const shape = `ck-ridge ck-f-${panel.colour}${hovered ? " ck-hover" : ""}`;
  const reference = panel.reference
    ? outline(bins, view.space.along(panel.reference, panel.bins, row), frame, base, step)
    : null;
  return element("path", { d: `${outline(bins, heights, frame, base, step)}Z`, class: shape })
    + (reference ? element("path", { d: reference, class: "ck-ref" }) : "");
}

function outline(bins, heights, frame, base, step) {
  const top = Math.max(...heights) || 1;
  const points = bins.map((x, b) => [frame.x(x), base - (heights[b] / top) * step * OVERLAP]);
  return pathThrough([[frame.left, base], ...points, [frame.right, base]]);
}

function rowLabel(panel, view, frame, { name, k, base }) {
  const strong = view.hover[panel.over] === k || view.state[panel.over] === k;
  const look = { "text-anchor": "end", class: strong ? "ck-strong" : null };
  return label(frame.left - 8, base + 1, name, look);
}

function rowAt(panel, frame, step, count, py) {
  const k = Math.floor((frame.bottom - py) / step);
  const known = k >= 0 && k < count;
  return known && panel.linked.length ? { set: null, hover: { [panel.over]: k } } : null;
}

/** Summarise each distribution by quantiles: a table of all bins says nothing. */
function tableOf(panel, view) {
  const { names, label: over } = view.space.dims[panel.over];
  const bins = view.space.dims[panel.bins].values;
  const rows = names.map((name, k) => {
    const heights = view.space.along(panel.hist, panel.bins, { ...view.state, [panel.over]: k });
    return [name, ...[0.1, 0.5, 0.9].map((q) => formatNumber(quantile(bins, heights, q)))];
  });
  return { head: [over, `10 % of ${panel.xlabel}`, "median", "90 %"], rows };
}

function quantile(bins, heights, share) {
  const total = heights.reduce((a, b) => a + b, 0);
  let sum = 0;
  return bins.find((_, k) => (sum += heights[k]) >= share * total) ?? NaN;
}
