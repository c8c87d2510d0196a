// Dots: categories with a value, per-seed dots, an interval or a bar, and a verdict.
import { formatNumber } from "../core/format.js";
import { createFrame, refLabel } from "../core/frame.js";
import { element, label, line, marker, textWidth } from "../core/svg.js";

const VERDICTS = [["■", "holds"], ["◇", "does not hold here"], ["○", "inconclusive"]];

/**
 * Draw a Dots panel.
 * @param {object} panel
 * @param {object} view
 * @returns {object} Markup, and what pointer, keys and table need.
 */
export function dots(panel, view) {
  const rows = rowsOf(panel, view);
  const notes = rows.map((row) => noteOf(panel, row));
  const { stacked, height, ...sides } = sidesOf(view, rows, notes);
  const frame = createFrame({ ...panel, ...sides, width: view.width, height });
  const step = (frame.bottom - frame.top) / rows.length;
  const every = Math.ceil(13 / step);
  const body = [frame.axes, shadeOf(panel, view, frame, stacked), zeroLine(panel, frame)];
  body.push(...panel.refs.map((ref) => refOf(ref, view, frame)));
  for (const row of rows) {
    const y = frame.top + (row.k + (stacked ? 0.68 : 0.5)) * step;
    body.push(rowMarks(panel, view, row, frame, y, step));
    const words = stacked ? rowHeading : rowWords;
    if (row.k % every === 0) body.push(words(panel, view, row, frame, y, notes[row.k], step));
  }
  return {
    body: body.join(""),
    height,
    pick: (x, y) => rowAt(panel, frame, step, rows.length, y),
    keys: (panel.pick || panel.linked.length)
      && { ArrowDown: [panel.over, 1], ArrowUp: [panel.over, -1] },
    table: () => tableOf(panel, rows, view.space.dims[panel.over].label),
  };
}

/** Leave room for names and notes beside the plot, or above each row if it is narrow. */
function sidesOf({ width, height }, rows, notes) {
  const widest = (texts) => Math.max(...texts.map((text) => textWidth(text, 12, true)));
  const names = rows.map(({ name }) => name);
  const right = widest(notes);
  if (right + widest(names) <= width * 0.55) {
    return { stacked: false, height, rows: names, right: right ? right + 14 : 12 };
  }
  return { stacked: true, height: Math.max(height, 46 * rows.length + 64), rows: [""], right: 12 };
}

function rowsOf(panel, { space, state }) {
  return space.dims[panel.over].names.map((name, k) => {
    const here = { ...state, [panel.over]: k };
    const read = (field) => (field ? space.at(field, here) : null);
    const seeds = panel.seeds ? space.along(panel.seeds, panel.seed_dim, here) : [];
    const [value, low, high, verdict] =
      [panel.value, panel.low, panel.high, panel.verdict].map(read);
    return { name, k, value, low, high, verdict, seeds };
  });
}

function noteOf(panel, { value, verdict }) {
  if (Number.isNaN(value)) return panel.empty;
  if (value === Infinity) return "✕ diverged";
  const words = [
    panel.show === null ? "" : formatNumber(value, panel.show),
    verdict === null ? "" : VERDICTS[verdict].join(" "),
  ];
  return words.filter(Boolean).join("  ");
}

function rowMarks(panel, view, row, frame, y, step) {
  const { value, low, high, verdict, seeds, k } = row;
  const chosen = view.state[panel.over] === k || view.hover[panel.over] === k;
  const parts = [];
  const inside = (v) => Math.max(frame.left, Math.min(frame.right, frame.x(v)));
  if (chosen) {
    const box = { x: frame.left, y: frame.top + k * step, height: step, class: "ck-row" };
    parts.push(element("rect", { ...box, width: frame.right - frame.left }));
  }
  if (panel.bar && Number.isFinite(value)) {
    const [a, b] = [inside(0), inside(value)].sort((p, q) => p - q);
    const h = Math.min(18, step * 0.6);
    parts.push(element("rect", { x: a, y: y - h / 2, width: b - a, height: h, class: "ck-bar" }));
  }
  for (const seed of seeds.filter(Number.isFinite)) {
    parts.push(marker(0, inside(seed), y + Math.min(8, step / 4), 2.5, "ck-seed"));
  }
  if (Number.isFinite(low) && low !== null) {
    const dashed = verdict === 2 ? " ck-dashed" : "";
    parts.push(line(inside(low), y, inside(high), y, `ck-interval${dashed}`));
  }
  if (Number.isFinite(value) && !panel.bar) parts.push(valueMark(inside(value), y, verdict, step));
  return parts.join("");
}

function valueMark(x, y, verdict, step) {
  const r = Math.min(4.5, step / 3);
  if (verdict === null) return marker(0, x, y, r, "ck-mark ck-f-blue");
  const [kind, open] = [[1, ""], [3, " ck-open"], [0, " ck-open"]][verdict];
  return marker(kind, x, y, r, `ck-verdict${open}`);
}

function rowWords(panel, view, { name, k }, frame, y, note) {
  const chosen = view.state[panel.over] === k || view.hover[panel.over] === k;
  const look = chosen ? "ck-strong" : null;
  return label(frame.left - 8, y + 4, name, { "text-anchor": "end", class: look })
    + (note ? label(frame.right + 8, y + 4, note, { class: "ck-axis" }) : "");
}

/** On a narrow screen the words stand above their row. */
function rowHeading(panel, view, { name, k }, frame, y, note, step) {
  const chosen = view.state[panel.over] === k || view.hover[panel.over] === k;
  const look = chosen ? "ck-axis ck-strong" : "ck-axis";
  const words = [name, note].filter(Boolean).join("  ");
  return label(4, frame.top + k * step + 13, words, { class: look });
}

function shadeOf(panel, { space, state }, frame, stacked) {
  if (!panel.shade) return "";
  const ends = panel.shade.map((v) => frame.x(space.scalar(v, state)));
  const [a, b] = ends.map((v) => Math.max(frame.left, Math.min(frame.right, v)));
  const box = { x: a, y: frame.top, width: b - a, height: frame.bottom - frame.top };
  return element("rect", { ...box, class: "ck-shade" })
    + refLabel(a + 4, stacked ? frame.bottom : frame.top + 11, panel.shade_label, "start", frame);
}

function zeroLine(panel, frame) {
  if (!panel.zero && !panel.bar) return "";
  return line(frame.x(0), frame.top, frame.x(0), frame.bottom, "ck-zero");
}

function refOf(ref, { space, state }, frame) {
  const x = frame.x(space.scalar(ref.x, state));
  if (!(x >= frame.left && x <= frame.right)) return "";
  const side = x > (frame.left + frame.right) / 2 ? "end" : "start";
  return line(x, frame.top, x, frame.bottom, "ck-ref")
    + refLabel(x + (side === "end" ? -5 : 5), frame.top + 11, ref.label, side, frame);
}

function rowAt(panel, frame, step, count, py) {
  const k = Math.floor((py - frame.top) / step);
  if (k < 0 || k >= count || !(panel.pick || panel.linked.length)) return null;
  return { set: panel.pick ? { [panel.over]: k } : null, hover: { [panel.over]: k } };
}

function tableOf(panel, rows, words) {
  const optional = [["low", "lower end"], ["high", "upper end"]].filter(([key]) => panel[key]);
  const seeds = rows[0].seeds.map((_, k) => `seed ${k + 1}`);
  const head = [words, panel.xlabel || "value", ...optional.map(([, text]) => text), ...seeds];
  const body = rows.map((row) => [
    row.name,
    Number.isNaN(row.value) ? panel.empty : formatNumber(row.value, panel.show ?? ""),
    ...optional.map(([key]) => formatNumber(row[key])),
    ...row.seeds.map((v) => formatNumber(v)),
  ]);
  if (!panel.verdict) return { head, rows: body };
  const verdicts = rows.map(({ verdict }) => VERDICTS[verdict]?.[1] ?? "");
  return { head: [...head, "verdict"], rows: body.map((row, k) => [...row, verdicts[k]]) };
}
