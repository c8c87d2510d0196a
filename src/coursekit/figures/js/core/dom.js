// Build elements of the page.

/**
 * Create an element.
 * @param {string} tag
 * @param {object} [props] Properties; names with a dash become attributes.
 * @param {...(Node|string)} children
 * @returns {HTMLElement}
 */
export function create(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null) continue;
    if (key in node && !key.includes("-")) node[key] = value;
    else node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== undefined && child !== null));
  return node;
}

/** What every native input carries, so that JupyterLab leaves its arrow keys alone. */
export const KEEP_KEYS = { "data-lm-suppress-shortcuts": "true" };

/** Whether the reader asked for less motion. */
export function reducedMotion() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
