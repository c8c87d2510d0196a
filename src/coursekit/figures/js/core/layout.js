// Put the parts of a figure in order.
import { create } from "./dom.js";

/**
 * Fill a figure's element.
 * @param {HTMLElement} root
 * @param {object} meta
 * @param {object} parts controls, scrubs, predict, panels, speech, link, reset.
 */
export function layOut(root, meta, { controls, scrubs, predict, panels, speech, link, reset }) {
  const inView = controls.filter(({ spec }) => !spec.more).map((c) => c.element);
  const behind = controls.filter(({ spec }) => spec.more).map((c) => c.element);
  const title = create("p", { className: "ck-title", id: `${root.id}-title` }, meta.title);
  const source = create("p", { className: "ck-source" }, meta.source);
  const actions = create("div", { className: "ck-actions" }, link, reset);
  root.setAttribute("role", "group");
  root.setAttribute("aria-labelledby", title.id);
  root.replaceChildren(...[
    title,
    predict?.element,
    inView.length && controlGrid(inView),
    behind.length && create("details", { className: "ck-more" },
      create("summary", {}, "More settings"), controlGrid(behind)),
    ...scrubs.map((s) => s.element),
    panelGrid(panels.map((p) => p.element)),
    speech.element,
    create("div", { className: "ck-foot" }, source, actions),
    meta.caption && create("p", { className: "ck-caption" }, meta.caption),
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
