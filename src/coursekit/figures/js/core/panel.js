// A panel: its drawing, its facets, pointer and arrow keys, and its table.
import { create, KEEP_KEYS } from "./dom.js";
import { settingName } from "./says.js";
import { element, label } from "./svg.js";
import { createTable } from "./table.js";

const SVG = "http://www.w3.org/2000/svg";
const FACET_WIDTH = 155;
const FACET_TITLE = 20;
const GAP = 10;

/**
 * Create a panel.
 * @param {object} panel What resolve.py settled.
 * @param {Function} mark Draws it.
 * @param {object} context id, space, palette, set, hover, now() with state and hover.
 * @returns {{element: HTMLElement, refresh: Function}}
 */
export function createPanel(panel, mark, context) {
  const drawing = panel.kind === "tree" ? treeHolder(panel) : svgHolder(panel);
  const classes = `ck-panel${panel.wide ? " ck-wide" : ""}`;
  const box = create("div", { className: classes });
  if (panel.title) box.append(create("p", { className: "ck-subtitle" }, panel.title));
  let shown = [];
  const table = createTable(() => mergeTables(shown, panel, context), panel.alt);
  box.append(drawing, table.element);
  const refresh = () => {
    shown = panel.kind === "tree"
      ? drawTree(drawing, panel, mark, context)
      : drawFacets(drawing, panel, mark, context);
    table.refresh();
  };
  if (panel.kind !== "tree") listen(drawing, panel, context, () => shown);
  return { element: box, refresh };
}

function svgHolder(panel) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", panel.alt);
  return svg;
}

function treeHolder(panel) {
  return create("div", { role: "group", "aria-label": panel.alt });
}

function drawTree(holder, panel, mark, context) {
  const drawn = mark(panel, { ...context, ...context.now() });
  holder.innerHTML = drawn.html;
  return [{ drawn }];
}

/** Draw each facet side by side on shared axes, or the one plot there is. */
function drawFacets(svg, panel, mark, context) {
  const width = Math.max(240, svg.clientWidth || svg.parentNode.clientWidth);
  const { state, hover } = context.now();
  const names = panel.facet ? context.space.dims[panel.facet].names : [null];
  const columns = Math.min(names.length, Math.max(1, Math.floor(width / FACET_WIDTH)));
  const cell = (width - GAP * (columns - 1)) / columns;
  const height = panel.facet ? Math.min(panel.height, Math.max(190, cell * 0.95)) : panel.height;
  const title = panel.facet ? FACET_TITLE : 0;
  const shown = names.map((name, k) => {
    const over = panel.facet ? { [panel.facet]: k } : {};
    const view = {
      ...context, hover, state: { ...state, ...over }, width: cell, height,
      id: `${context.id}-${k}`, footerWidth: panel.facet ? null : width,
      chosen: (state[panel.facet] ?? k) === k,
    };
    return { name, over, title, drawn: mark({ ...panel, quiet: k % columns > 0 }, view) };
  });
  const tall = title + Math.max(...shown.map(({ drawn }) => drawn.height ?? height));
  shown.forEach((facet, k) => {
    facet.at = { x: (k % columns) * (cell + GAP), y: Math.floor(k / columns) * tall };
  });
  compose(svg, width, tall * Math.ceil(names.length / columns), shown, panel, context);
  return shown;
}

function compose(svg, width, height, shown, panel, context) {
  const footer = panel.facet ? shown[0].drawn.footer?.(width) : null;
  const total = height + (footer?.height ?? 0);
  const plots = shown.map((facet, k) => facetMarkup(facet, k, panel, context));
  if (footer) plots.push(element("g", { transform: `translate(0 ${height})` }, footer.markup));
  svg.setAttribute("viewBox", `0 0 ${width} ${total}`);
  svg.style.height = `${total}px`;
  svg.innerHTML = plots.join("");
}

function facetMarkup({ drawn, at, title }, k, panel, { space, now }) {
  if (!panel.facet) return drawn.body;
  const chosen = now().state[panel.facet] === k;
  const dim = space.dims[panel.facet];
  const words = typeof dim.values[k] === "number" ? `${dim.label} ` : "";
  const name = words + settingName(dim, k);
  const heading = label(0, 12, name, { class: chosen ? "ck-facet ck-strong" : "ck-facet" });
  const inner = element("g", { transform: `translate(0 ${title})` }, drawn.body);
  return element("g", { transform: `translate(${at.x} ${at.y})` }, heading + inner);
}

function mergeTables(shown, panel, { space }) {
  if (!panel.facet) return shown[0].drawn.table();
  const tables = shown.map(({ drawn }) => drawn.table());
  const head = [space.dims[panel.facet].label, ...tables[0].head];
  return { head, rows: tables.flatMap((t, k) => t.rows.map((row) => [shown[k].name, ...row])) };
}

/** Let pointer and arrow keys move the state, where the panel allows it. */
function listen(svg, panel, context, facets) {
  const active = panel.picked.length > 0;
  if (!active && !panel.linked.length) return;
  svg.setAttribute("tabindex", "0");
  for (const [key, value] of Object.entries(KEEP_KEYS)) svg.setAttribute(key, value);
  svg.classList.add(active ? "ck-pickable" : "ck-linkable");
  const find = (event) => hit(svg, facets(), event, context.now().state);
  if (active) listenToPicks(svg, (event) => {
    const found = find(event);
    if (found?.set) context.set(found.set);
  });
  if (panel.linked.length) listenToHover(svg, panel, context, find);
  svg.addEventListener("keydown", (event) => {
    const step = facets()[0]?.drawn.keys?.[event.key];
    if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    moveByKey(step, panel, context);
  });
}

function listenToPicks(svg, apply) {
  svg.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    if (event.pointerType !== "mouse" && !event.target.closest(".ck-grip")) return;
    event.preventDefault();
    svg.focus({ preventScroll: true, focusVisible: false });
    svg.setPointerCapture(event.pointerId);
    svg.dataset.dragged = "true";
    apply(event);
  });
  svg.addEventListener("pointermove", (event) => svg.dataset.dragged && apply(event));
  for (const end of ["pointerup", "pointercancel"]) {
    svg.addEventListener(end, () => delete svg.dataset.dragged);
  }
  // A tap picks only after the finger has left, so that a swipe scrolls the page.
  svg.addEventListener("click", apply);
}

function listenToHover(svg, panel, { setHover }, find) {
  svg.addEventListener("pointermove", (event) => {
    if (!svg.dataset.dragged) setHover(linkedPart(find(event)?.hover, panel));
  });
  for (const end of ["pointerleave", "blur"]) svg.addEventListener(end, () => setHover({}));
}

function moveByKey([name, by], panel, { space, set, setHover, now }) {
  const { state, hover } = now();
  const dim = space.dims[name];
  if (panel.picked.includes(name)) set({ [name]: stepped(dim, state[name], by) });
  else setHover({ ...hover, [name]: stepped(dim, hover[name] ?? -by, by) });
}

function linkedPart(hover, { linked }) {
  return Object.fromEntries(Object.entries(hover ?? {}).filter(([d]) => linked.includes(d)));
}

/** Find what lies under the pointer: a facet's own setting counts as picked too. */
function hit(svg, facets, event, state) {
  const box = svg.getBoundingClientRect();
  for (const { drawn, at, over, title } of facets) {
    const [x, y] = [event.clientX - box.left - at.x, event.clientY - box.top - at.y - title];
    const found = drawn.pick?.(x, y);
    if (!found) continue;
    const known = Object.fromEntries(Object.entries(over).filter(([d]) => d in state));
    return { set: found.set && { ...found.set, ...known }, hover: { ...found.hover, ...over } };
  }
  return null;
}

function stepped(dim, place, by) {
  if (dim.names) return Math.max(0, Math.min(dim.names.length - 1, place + by));
  const step = Math.max(dim.step, (dim.high - dim.low) / 50);
  return Math.max(dim.low, Math.min(dim.high, +(place + by * step).toPrecision(10)));
}
