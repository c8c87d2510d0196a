// Put a figure together: one state, and everything a function of it.
import { createControl } from "./controls.js";
import { decodeArrays, inflate } from "./decode.js";
import { create } from "./dom.js";
import { followAddress, readLink, stateLink, updateAddress } from "./link.js";
import { createPanel } from "./panel.js";
import { createPredict } from "./predict.js";
import { sentenceOf } from "./says.js";
import { createScrub } from "./scrub.js";
import { createSpace } from "./space.js";
import { followTheme } from "./theme.js";

const SPEAK_AFTER = 180;

/**
 * Make a figure live in an element.
 * @param {HTMLElement} root
 * @param {object} meta The figure's header: see meta.py.
 * @param {object} arrays Decoded arrays.
 * @param {{marks: object, models: object}} parts The marks and closed forms it needs.
 * @returns {{state: Function, set: Function, sentence: Function}} To read and to move the
 *   state; the element carries it too, as `figure`.
 */
export function render(root, meta, arrays, { marks, models }) {
  const space = createSpace(meta, arrays, models);
  const known = Object.keys(meta.start);
  let state = { ...meta.start, ...readLink(location.hash, root.id, space.dims, known) };
  let hover = {};
  let queued = 0;

  const context = { space, id: root.id, set, meta, playing, changed: refresh };
  const scrubs = meta.controls.filter((c) => c.kind === "scrub").map((c) => createScrub(c, context));
  const others = meta.controls.filter((c) => c.kind !== "scrub");
  const controls = others.map((spec) => ({ spec, ...createControl(spec, context) }));
  const predict = meta.predict && createPredict(meta.predict, context);
  const panels = meta.panels.map((panel, k) => createPanel(panel, marks[panel.kind], {
    space, set, setHover, id: `${root.id}-p${k}`, palette: meta.palette,
    now: () => ({ state, hover }),
  }));
  const speech = createSpeech();
  const link = create("a", { className: "ck-link" }, "Link to this state");
  const reset = create("button", { type: "button", className: "ck-reset" }, "Reset");
  reset.addEventListener("click", () => {
    for (const scrub of scrubs) scrub.stop();
    predict?.clear();
    set(meta.start);
  });
  layOut(root, meta, { controls, scrubs, predict, panels, speech, link, reset });
  followTheme(root);

  function set(part) {
    state = { ...state, ...part };
    schedule();
  }
  function setHover(part) {
    if (JSON.stringify(part) === JSON.stringify(hover)) return;
    hover = part;
    schedule();
  }
  function playing(on) {
    speech.silence(on);
    schedule();
  }
  function schedule() {
    queued ||= requestAnimationFrame(refresh);
  }
  function refresh() {
    queued = 0;
    for (const part of [...controls, ...scrubs]) part.refresh(state);
    for (const panel of panels) panel.refresh();
    speech.say((predict ? predict.reply(state) : "") + sentenceOf(meta, space, state));
    link.href = stateLink(root.id, space.dims, state);
    updateAddress(root.id, link.hash);
    root.dataset.state = JSON.stringify(state);
  }
  refresh();
  new ResizeObserver(schedule).observe(root);
  followAddress(root, space.dims, known, set);
  root.figure = {
    state: () => ({ ...state }), set, sentence: (at) => sentenceOf(meta, space, at),
  };
  return root.figure;
}

/** The text line: polite, after the last change, silent while time plays. */
function createSpeech() {
  const element = create("p", { className: "ck-says", role: "status", "aria-live": "polite" });
  let timer = 0;
  let silent = false;
  const say = (text) => {
    clearTimeout(timer);
    if (silent || !element.textContent) element.textContent = text;
    else if (element.textContent !== text) {
      timer = setTimeout(() => (element.textContent = text), SPEAK_AFTER);
    }
  };
  const silence = (on) => {
    silent = on;
    element.setAttribute("aria-live", on ? "off" : "polite");
    // Clearing the text makes the final sentence a change, hence spoken.
    if (!on) element.textContent = "\u00a0";
  };
  return { element, say, silence };
}

function layOut(root, meta, { controls, scrubs, predict, panels, speech, link, reset }) {
  const inView = controls.filter(({ spec }) => !spec.more).map((c) => c.element);
  const behind = controls.filter(({ spec }) => spec.more).map((c) => c.element);
  const more = behind.length && create("details", { className: "ck-more" },
    create("summary", {}, "More settings"),
    controlGrid(behind));
  const title = create("p", { className: "ck-title", id: `${root.id}-title` }, meta.title);
  const source = create("p", { className: "ck-source" }, meta.source);
  const actions = create("div", { className: "ck-actions" }, link, reset);
  const caption = meta.caption ? create("p", { className: "ck-caption" }, meta.caption) : null;
  root.setAttribute("role", "group");
  root.setAttribute("aria-labelledby", title.id);
  root.replaceChildren(...[
    title,
    predict?.element,
    inView.length && controlGrid(inView),
    more,
    ...scrubs.map((s) => s.element),
    panelGrid(panels.map((p) => p.element)),
    speech.element,
    create("div", { className: "ck-foot" }, source, actions),
    caption,
  ].filter(Boolean));
}

/** Lay panels out in pairs; one that would stand alone takes the whole row. */
function panelGrid(elements) {
  const narrow = elements.filter((panel) => !panel.classList.contains("ck-wide"));
  if (narrow.length % 2) narrow.at(-1).classList.add("ck-wide");
  return create("div", { className: "ck-panels" }, ...elements);
}

/** Lay controls out so that no row is left with a single one. */
function controlGrid(elements) {
  const shape = { 1: " ck-single", 2: " ck-pairs", 4: " ck-pairs" }[elements.length] ?? "";
  return create("div", { className: `ck-controls${shape}` }, ...elements);
}

/**
 * Bring every waiting copy of a figure in the page to life.
 * @param {object} meta
 * @param {string} data Base64 of the deflated arrays.
 * @param {object} parts
 */
export async function mount(meta, data, parts) {
  const arrays = decodeArrays(meta.arrays, await inflate(data));
  const waiting = document.querySelectorAll(`[data-figure="${meta.id}"]:not([data-live])`);
  waiting.forEach((root) => {
    root.dataset.live = "true";
    const others = [...document.querySelectorAll("[data-live]")].filter((n) => n !== root);
    if (others.some((n) => n.id === root.id)) root.id += `-${others.length}`;
    render(root, meta, arrays, parts);
  });
}
