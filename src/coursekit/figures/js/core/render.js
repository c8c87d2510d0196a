// Make a figure live: one state, and everything a function of it.
import { createControl } from "./controls.js";
import { decodeArrays, inflate } from "./decode.js";
import { create } from "./dom.js";
import { layOut } from "./layout.js";
import { followAddress, readLink, stateLink, updateAddress } from "./link.js";
import { createPanel } from "./panel.js";
import { Prediction } from "./predict.js";
import { sentenceOf } from "./says.js";
import { createScrub } from "./scrub.js";
import { Space } from "./space.js";
import { Speech } from "./speech.js";
import { followTheme } from "./theme.js";

/** A figure in the page. */
class LiveFigure {
  constructor(root, meta, arrays, { marks, models }) {
    const space = new Space(meta, arrays, models);
    const known = Object.keys(meta.start);
    const linked = readLink(location.hash, root.id, space.dims, known);
    Object.assign(this, { root, meta, space, hover: {}, queued: 0 });
    this.state = { ...meta.start, ...linked };
    this.parts = this.build(marks);
    layOut(root, meta, this.parts);
    followTheme(root);
    this.refresh();
    new ResizeObserver(() => this.schedule()).observe(root);
    followAddress(root, space.dims, known, (part) => this.set(part));
  }

  build(marks) {
    const { meta, space, root } = this;
    const context = {
      meta, space, id: root.id, palette: meta.palette,
      set: (part) => this.set(part),
      setHover: (part) => this.setHover(part),
      now: () => ({ state: this.state, hover: this.hover }),
      playing: (on) => this.playing(on),
      changed: () => this.refresh(),
    };
    const isScrub = ({ kind }) => kind === "scrub";
    const reset = create("button", { type: "button", className: "ck-reset" }, "Reset");
    reset.addEventListener("click", () => this.reset());
    return {
      controls: meta.controls.filter((spec) => !isScrub(spec))
        .map((spec) => ({ spec, ...createControl(spec, context) })),
      scrubs: meta.controls.filter(isScrub).map((spec) => createScrub(spec, context)),
      predict: meta.predict && new Prediction(meta.predict, context),
      panels: meta.panels.map((panel, k) =>
        createPanel(panel, marks[panel.kind], { ...context, id: `${root.id}-p${k}` })),
      speech: new Speech(),
      link: create("a", { className: "ck-link" }, "Link to this state"),
      reset,
    };
  }

  /** Change a part of the state. */
  set(part) {
    this.state = { ...this.state, ...part };
    this.schedule();
  }

  /** Mark settings for as long as pointer or focus rests on them. */
  setHover(part) {
    if (JSON.stringify(part) === JSON.stringify(this.hover)) return;
    this.hover = part;
    this.schedule();
  }

  /** The sentence of a state, without what is said of a prediction. */
  sentence(state = this.state) {
    return sentenceOf(this.meta, this.space, state);
  }

  playing(on) {
    this.parts.speech.silence(on);
    this.schedule();
  }

  reset() {
    for (const scrub of this.parts.scrubs) scrub.stop();
    this.parts.predict?.clear();
    this.set(this.meta.start);
  }

  schedule() {
    this.queued ||= requestAnimationFrame(() => this.refresh());
  }

  refresh() {
    const { parts, state, root, space } = this;
    this.queued = 0;
    for (const part of [...parts.controls, ...parts.scrubs]) part.refresh(state);
    for (const panel of parts.panels) panel.refresh();
    parts.speech.say((parts.predict?.reply(state) ?? "") + this.sentence());
    parts.link.href = stateLink(root.id, space.dims, state);
    updateAddress(root.id, parts.link.hash);
    root.dataset.state = JSON.stringify(state);
  }
}

/**
 * Make a figure live in an element.
 * @param {HTMLElement} root
 * @param {object} meta The figure's header: see meta.py.
 * @param {object} arrays Decoded arrays.
 * @param {{marks: object, models: object}} parts The marks and closed forms it needs.
 * @returns {LiveFigure} To read and to move the state; the element has it as `figure`.
 */
export function render(root, meta, arrays, parts) {
  root.figure = new LiveFigure(root, meta, arrays, parts);
  return root.figure;
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
