// The "data" disclosure: the current panel as a table, written only while it is open.
import { create } from "./dom.js";

/**
 * Create the disclosure of a panel.
 * @param {Function} rowsOf Returns {head, rows} of the present state.
 * @param {string} caption
 * @returns {{element: HTMLElement, refresh: Function}}
 */
export function createTable(rowsOf, caption) {
  const holder = create("div", {
    className: "ck-scroll", tabIndex: 0, role: "region", "aria-label": `Data: ${caption}`,
  });
  const summary = create("summary", {}, "Data");
  const details = create("details", { className: "ck-data" }, summary, holder);
  const refresh = () => {
    if (details.open) holder.replaceChildren(tableOf(rowsOf(), caption));
  };
  details.addEventListener("toggle", refresh);
  return { element: details, refresh };
}

function tableOf({ head, rows }, caption) {
  const top = create("tr", {}, ...head.map((text) => create("th", { scope: "col" }, text)));
  const line = ([first, ...rest]) => create("tr", {},
    create("th", { scope: "row" }, first), ...rest.map((v) => create("td", {}, v)));
  return create("table", {},
    create("caption", {}, caption), create("thead", {}, top),
    create("tbody", {}, ...rows.map(line)));
}
