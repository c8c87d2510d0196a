// Scrub: move through time by playing, pausing, single steps or a slider.
import { create, KEEP_KEYS, reducedMotion } from "./dom.js";
import { settingName, spokenName } from "./says.js";

const DURATION = 2400;
const JUMPS = 8;

/**
 * Create the control of time.
 * @param {object} spec
 * @param {object} context space, set, id, playing(on).
 */
export function createScrub(spec, { space, set, id, playing }) {
  const dim = space.dims[spec.dim];
  const last = dim.names.length - 1;
  let place = 0;
  let timer = 0;
  const go = (k) => set({ [spec.dim]: Math.max(0, Math.min(last, k)) });

  const stop = () => {
    if (!timer) return;
    clearInterval(timer);
    timer = 0;
    showPlaying(false);
    playing(false);
  };
  const play = () => {
    const jumps = reducedMotion() ? JUMPS : last;
    const from = place >= last ? 0 : place;
    if (from !== place) go(from);
    let k = 0;
    timer = setInterval(() => {
      k += 1;
      const next = Math.round((last * k) / jumps) + from;
      go(next);
      if (next >= last) stop();
    }, Math.max(DURATION / jumps, 16));
    showPlaying(true);
    playing(true);
  };
  const button = (text, name, act) => {
    const made = create("button", { type: "button", className: "ck-step", "aria-label": name }, text);
    made.addEventListener("click", act);
    return made;
  };
  const toggle = button("", "Play", () => (timer ? stop() : play()));
  toggle.className = "ck-play";
  const input = create("input", {
    type: "range", min: 0, max: last, step: 1, id: `${id}-${spec.dim}`, ...KEEP_KEYS,
  });
  input.addEventListener("input", () => (stop(), go(+input.value)));
  const showPlaying = (on) => {
    toggle.textContent = on ? "❚❚ Pause" : "▶ Play";
    toggle.setAttribute("aria-label", on ? `Pause ${spec.label}` : `Play ${spec.label}`);
  };
  showPlaying(false);
  const back = button("‹", `One step back in ${spec.label}`, () => (stop(), go(place - 1)));
  const forth = button("›", `One step forward in ${spec.label}`, () => (stop(), go(place + 1)));
  const value = create("span", { className: "ck-value", "aria-hidden": "true" });
  const label = create("label", { htmlFor: input.id }, spec.label);
  const head = create("div", { className: "ck-head" }, label, value);
  const track = create("div", { className: "ck-track" }, head, input);
  const element = create("div", { className: "ck-scrub" }, toggle, back, forth, track);
  const refresh = (state) => {
    place = state[spec.dim];
    input.value = place;
    value.textContent = settingName(dim, place);
    input.setAttribute("aria-valuetext", spokenName(dim, place));
    // A button that disables itself under the finger would lose the focus.
    back.setAttribute("aria-disabled", String(place === 0));
    forth.setAttribute("aria-disabled", String(place === last));
  };
  return { element, refresh, stop };
}
