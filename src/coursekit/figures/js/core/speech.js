// The text line: polite, after the last change, silent while time plays.
import { create } from "./dom.js";

export const SPEAK_AFTER = 180;

/** The line of text that says what is seen, and says it to screen readers too. */
export class Speech {
  constructor() {
    const role = { role: "status", "aria-live": "polite" };
    this.element = create("p", { className: "ck-says", ...role });
    Object.assign(this, { timer: 0, silent: false });
  }

  /** Show a sentence: at once if nobody listens, else when the hand rests. */
  say(text) {
    clearTimeout(this.timer);
    const { element } = this;
    if (this.silent || !element.textContent) element.textContent = text;
    else if (element.textContent !== text) {
      this.timer = setTimeout(() => (element.textContent = text), SPEAK_AFTER);
    }
  }

  silence(on) {
    this.silent = on;
    this.element.setAttribute("aria-live", on ? "off" : "polite");
    // Clearing the text makes the final sentence a change, hence spoken.
    if (!on) this.element.textContent = "\u00a0";
  }
}
