// Native, labelled controls. Each returns its element and how to show a new state.
import { create, KEEP_KEYS } from "./dom.js";
import { radioButton } from "./predict.js";
import { settingName, spokenName } from "./says.js";

/**
 * @typedef {object} Control
 * @property {HTMLElement} element
 * @property {Function} refresh Called with the state.
 */

/** Build one control. @returns {Control} */
export function createControl(spec, context) {
  const builders = { slider, segmented, select, toggle, pick };
  return builders[spec.kind](spec, context);
}

function heading(id, text) {
  const value = create("span", { className: "ck-value", "aria-hidden": "true" });
  const label = create("label", { htmlFor: id }, text);
  return { row: create("div", { className: "ck-head" }, label, value), value };
}

function slider(spec, { space, set, id }) {
  const dim = space.dims[spec.dim];
  const { row, value } = heading(`${id}-${spec.dim}`, spec.label);
  const input = create("input", {
    type: "range", id: `${id}-${spec.dim}`, ...trackOf(dim), ...KEEP_KEYS,
  });
  input.addEventListener("input", () => set({ [spec.dim]: fromTrack(dim, +input.value) }));
  const stops = spec.stops.map(([text, at]) => stopButton(spec, text, at, space, set));
  const named = create("div", { className: "ck-stops" }, ...stops.map((s) => s.element));
  const element = create("div", { className: "ck-control" }, row, input);
  if (stops.length) element.append(named);
  const refresh = (state) => {
    const place = state[spec.dim];
    input.value = dim.names || !dim.log ? place : Math.log(place);
    const name = settingName(dim, place);
    const here = stops.filter((stop) => stop.refresh(state)).map((stop) => stop.text);
    const known = here.filter((stop) => !name.includes(stop));
    const text = [name, ...known].join(" · ");
    value.textContent = text;
    input.setAttribute("aria-valuetext", [spokenName(dim, place), ...known].join(", "));
  };
  return { element, refresh };
}

function trackOf(dim) {
  if (dim.names) return { min: 0, max: dim.names.length - 1, step: 1 };
  if (!dim.log) return { min: dim.low, max: dim.high, step: dim.step };
  const [min, max] = [Math.log(dim.low), Math.log(dim.high)];
  return { min, max, step: (max - min) / 200 };
}

function fromTrack(dim, value) {
  if (dim.names || !dim.log) return value;
  return Math.max(dim.low, Math.min(dim.high, Math.exp(value)));
}

/** A named stop: a button that goes there. A string names an output of the model. */
function stopButton(spec, text, at, space, set) {
  const dim = space.dims[spec.dim];
  const placeIn = (state) => {
    if (typeof at !== "string") return at;
    return Math.max(dim.low, Math.min(dim.high, space.at(at, state)));
  };
  let current;
  const button = create("button", { type: "button", className: "ck-stop" }, text);
  button.addEventListener("click", () => set({ [spec.dim]: placeIn(current) }));
  const refresh = (state) => {
    current = state;
    const there = placeIn(state);
    const here = Math.abs(state[spec.dim] - there) <= 1e-6 * Math.abs(there);
    button.setAttribute("aria-pressed", String(here));
    return here;
  };
  return { element: button, refresh, text };
}

function segmented(spec, { space, set, id }) {
  const dim = space.dims[spec.dim];
  const radios = dim.names.map((_, k) =>
    radioButton(`${id}-${spec.dim}`, k, () => set({ [spec.dim]: k })));
  const items = radios.map((radio, k) =>
    create("span", {}, radio, create("label", { htmlFor: radio.id }, dim.names[k])));
  const row = create("div", { className: "ck-segments" }, ...items);
  const legend = create("legend", {}, spec.label);
  const element = create("fieldset", { className: "ck-control" }, legend, row);
  const refresh = (state) => {
    radios[state[spec.dim]].checked = true;
  };
  return { element, refresh };
}

function select(spec, { space, set, id }, dimName = spec.dim, text = spec.label) {
  const dim = space.dims[dimName];
  const name = `${id}-${dimName}`;
  const options = dim.names.map((label, k) => create("option", { value: k }, label));
  const input = create("select", { id: name, ...KEEP_KEYS }, ...options);
  input.addEventListener("change", () => set({ [dimName]: +input.value }));
  const label = create("label", { htmlFor: name }, text);
  const element = create("div", { className: "ck-control" }, label, input);
  const refresh = (state) => {
    input.value = state[dimName];
  };
  return { element, refresh };
}

function toggle(spec, { space, set, id }) {
  const dim = space.dims[spec.dim];
  const name = `${id}-${spec.dim}`;
  const input = create("input", { type: "checkbox", id: name, ...KEEP_KEYS });
  input.addEventListener("change", () => set({ [spec.dim]: Number(input.checked) }));
  const value = create("span", { className: "ck-value", "aria-hidden": "true" });
  const label = create("label", { htmlFor: name }, input, spec.label);
  const element = create("div", { className: "ck-control ck-toggle" }, label, value);
  const refresh = (state) => {
    input.checked = state[spec.dim] === 1;
    value.textContent = dim.names[state[spec.dim]];
    input.setAttribute("aria-description", dim.names[state[spec.dim]]);
  };
  return { element, refresh };
}

function pick(spec, context) {
  const parts = spec.dims.map((dim) =>
    select(spec, context, dim, context.space.dims[dim].label));
  const hidden = spec.named ? "" : "ck-hidden";
  const legend = create("legend", { className: hidden }, spec.label);
  const row = create("div", { className: "ck-picks" }, ...parts.map((p) => p.element));
  const element = create("fieldset", { className: "ck-control" }, legend, row);
  return { element, refresh: (state) => parts.forEach((part) => part.refresh(state)) };
}
