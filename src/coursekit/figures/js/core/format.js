// Write numbers and markup. Twin of coursekit/figures/numbers.py: a test compares the
// two on every sentence of every state.

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Escape text for markup. @param {unknown} text @returns {string} */
export function escapeText(text) {
  return String(text).replace(/[&<>"]/g, (c) => ESCAPES[c]);
}

/**
 * Write a number for a reader: three significant figures, powers as 10⁻⁴.
 * @param {number} value NaN reads "missing", ±∞ "diverged".
 * @param {string} [spec] "", "d", ".2f", ".3g", ".1e", ".1%", each with optional "+".
 * @returns {string}
 */
export function formatNumber(value, spec = "") {
  if (Number.isNaN(value)) return "missing";
  if (!Number.isFinite(value)) return "diverged";
  const [, plus, digits, kind] = /^(\+?)(?:\.(\d))?([dfeg%]?)$/.exec(spec);
  const text = unsignedText(Math.abs(value), kind, digits);
  if (!/[1-9]/.test(text)) return text;
  return (value < 0 ? "−" : plus) + text;
}

function unsignedText(value, kind, digits) {
  if (kind === "%") return (100 * value).toFixed(+(digits ?? 1)) + "\u00a0%";
  if (kind === "d") return value.toFixed(0);
  if (kind === "f") return value.toFixed(+(digits ?? 0));
  const figures = +(digits ?? 3) + (kind === "e" ? 1 : 0);
  const plain = kind !== "e" && (value === 0 || (value >= 1e-3 && value < 1e5));
  return plain ? String(Number(value.toPrecision(figures))) : powerText(value, figures);
}

function powerText(value, figures) {
  const [mantissa, exponent] = value.toExponential(figures - 1).split("e");
  const raised = [...String(+exponent)].map((c) => SUPERSCRIPTS[c] ?? "⁻").join("");
  return +mantissa === 1 ? `10${raised}` : `${+mantissa}·10${raised}`;
}
