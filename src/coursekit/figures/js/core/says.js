// Fill the text line. Which rule speaks was decided in Python, for every state.
import { formatNumber } from "./format.js";

/**
 * Write a setting for a reader.
 * @param {object} dim Header entry of the dimension.
 * @param {number} place Position, or the number if continuous.
 * @returns {string}
 */
export function settingName(dim, place) {
  return dim.names ? dim.names[place] : formatNumber(place, dim.spec);
}

/** The setting with its unit, for a screen reader. */
export function spokenName(dim, place) {
  const name = settingName(dim, place);
  return dim.unit ? `${name} ${dim.unit}` : name;
}

/**
 * Fill a compiled sentence.
 * @param {Array<string|object>} parts
 * @param {object} meta
 * @param {object} space
 * @param {object} state
 * @returns {string}
 */
export function fillText(parts, meta, space, state) {
  const text = ({ name, at, spec }) => {
    const there = { ...state, ...at };
    if (name === "seeds") return String(meta.seeds);
    const dim = space.dims[name];
    if (!dim) return formatNumber(space.at(name, there), spec);
    if (spec) return formatNumber(space.valueOf(name, there), spec);
    return settingName(dim, there[name]);
  };
  return parts.map((part) => (typeof part === "string" ? part : text(part))).join("");
}

/**
 * Return the sentence of a state.
 * @param {object} meta
 * @param {object} space
 * @param {object} state
 * @returns {string}
 */
export function sentenceOf(meta, space, state) {
  const { table, rules } = meta.says;
  const holds = ({ when }) => !when || space.at(when, state) === 1;
  const rule = table ? rules[space.at(table, state)] : rules.find(holds);
  return fillText(rule.parts, meta, space, state);
}
