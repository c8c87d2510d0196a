// Scrub: move through time by playing, pausing, single steps or a slider.
import { create, KEEP_KEYS } from "./dom.js";
import { Player } from "./player.js";
import { settingName, spokenName } from "./says.js";

/**
 * Create the control of time.
 * @param {object} spec
 * @param {object} context space, set, id, playing(on).
 * @returns {{element: HTMLElement, refresh: Function, stop: Function}}
 */
export function createScrub(spec, { space, set, id, playing }) {
  const dim = space.dims[spec.dim];
  const last = dim.names.length - 1;
  let place = 0;
  const go = (k) => set({ [spec.dim]: Math.max(0, Math.min(last, k)) });
  const player = new Player(last, go, (on) => {
    toggle.show(on);
    playing(on);
  });
  const moveTo = (k) => {
    player.stop();
    go(k);
  };
  const toggle = playButton(spec, () => (player.timer ? player.stop() : player.play(place)));
  const back = stepButton("‹", `One step back in ${spec.label}`, () => moveTo(place - 1));
  const forth = stepButton("›", `One step forward in ${spec.label}`, () => moveTo(place + 1));
  const track = createTrack(spec, `${id}-${spec.dim}`, last, moveTo);
  const refresh = (state) => {
    place = state[spec.dim];
    track.show(place, settingName(dim, place), spokenName(dim, place));
    // A button that disables itself under the finger would lose the focus.
    back.setAttribute("aria-disabled", String(place === 0));
    forth.setAttribute("aria-disabled", String(place === last));
  };
  const parts = [toggle.element, back, forth, track.element];
  const element = create("div", { className: "ck-scrub" }, ...parts);
  return { element, refresh, stop: () => player.stop() };
}

function playButton(spec, act) {
  const element = stepButton("", "", act);
  element.className = "ck-play";
  const show = (on) => {
    element.textContent = on ? "❚❚ Pause" : "▶ Play";
    element.setAttribute("aria-label", `${on ? "Pause" : "Play"} ${spec.label}`);
  };
  show(false);
  return { element, show };
}

function stepButton(text, name, act) {
  const looks = { type: "button", className: "ck-step", "aria-label": name };
  const button = create("button", looks, text);
  button.addEventListener("click", act);
  return button;
}

function createTrack(spec, id, last, moveTo) {
  const input = create("input", { type: "range", min: 0, max: last, step: 1, id, ...KEEP_KEYS });
  input.addEventListener("input", () => moveTo(+input.value));
  const value = create("span", { className: "ck-value", "aria-hidden": "true" });
  const label = create("label", { htmlFor: id }, spec.label);
  const head = create("div", { className: "ck-head" }, label, value);
  const element = create("div", { className: "ck-track" }, head, input);
  const show = (place, name, spoken) => {
    input.value = place;
    value.textContent = name;
    input.setAttribute("aria-valuetext", spoken);
  };
  return { element, show };
}
