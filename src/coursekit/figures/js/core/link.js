// State in the address: #fig-<id>?gain=1.41&act=relu, so that prose and lecturers can
// link to a state.
import { settingName } from "./says.js";

/**
 * Write a state as an address.
 * @param {string} id Of the figure's element.
 * @param {object} dims
 * @param {object} state
 * @returns {string}
 */
export function stateLink(id, dims, state) {
  const text = (d) => (dims[d].names ? dims[d].values[state[d]] : +state[d].toPrecision(6));
  const pairs = Object.keys(state).map((d) => `${d}=${encodeURIComponent(text(d))}`);
  return `#${id}?${pairs.join("&")}`;
}

/**
 * Read the part of a state that an address gives; what it does not know is ignored.
 * @param {string} hash
 * @param {string} id
 * @param {object} dims
 * @param {string[]} known Dimensions that the state has.
 * @returns {?object} Null if the address is not about this figure.
 */
export function readLink(hash, id, dims, known) {
  const [target, query = ""] = hash.replace(/^#/, "").split("?");
  if (target !== id) return null;
  const found = {};
  for (const [name, text] of new URLSearchParams(query)) {
    const place = known.includes(name) ? placeOf(dims[name], text) : null;
    if (place !== null) found[name] = place;
  }
  return found;
}

function placeOf(dim, text) {
  const number = Number(text);
  if (!dim.names) {
    return text !== "" && number >= dim.low && number <= dim.high ? number : null;
  }
  const same = (v, k) => String(v) === text || settingName(dim, k) === text
    || (typeof v === "number" && text !== "" && Math.abs(v - number) <= 1e-9 * Math.abs(v));
  const place = dim.values.findIndex(same);
  return place < 0 ? null : place;
}

/**
 * Follow the address: on loading, on going back and forth, and on clicks in prose.
 * @param {HTMLElement} element The figure.
 * @param {object} dims
 * @param {string[]} known
 * @param {Function} set Called with the part of the state that the address gives.
 */
export function followAddress(element, dims, known, set) {
  const follow = (hash, always) => {
    const found = readLink(hash, element.id, dims, known);
    if (!found) return;
    set(found);
    const box = element.getBoundingClientRect();
    const seen = box.top >= 0 && box.top < innerHeight / 2;
    if (always || !seen) element.scrollIntoView({ block: "start" });
  };
  addEventListener("hashchange", () => follow(location.hash, false));
  document.addEventListener("click", (event) => {
    const anchor = event.target.closest?.('a[href*="#"]');
    if (anchor && !element.contains(anchor)) follow(anchor.hash, false);
  });
  if (location.hash) follow(location.hash, true);
}

/** Keep an address that is about this figure up to date, without new history. */
export function updateAddress(id, link) {
  if (location.hash.startsWith(`#${id}?`)) history.replaceState(history.state, "", link);
}
