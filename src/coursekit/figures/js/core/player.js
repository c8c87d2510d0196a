// Let time run: from start to end in two to three seconds, once.
import { reducedMotion } from "./dom.js";

const DURATION = 2400;
const JUMPS = 8;

/** Moves a place from where it stands to the last one; with less motion, in jumps. */
export class Player {
  /**
   * @param {number} last The last place.
   * @param {Function} go Called with each place.
   * @param {Function} playing Called with true at the start, false at the end.
   */
  constructor(last, go, playing) {
    Object.assign(this, { last, go, playing, timer: 0 });
  }

  /** Start at a place, from the beginning if it is the end. */
  play(place) {
    const from = place >= this.last ? 0 : place;
    const jumps = reducedMotion() ? JUMPS : this.last;
    let k = 0;
    this.go(from);
    this.timer = setInterval(() => {
      k += 1;
      const next = Math.min(this.last, from + Math.round((this.last * k) / jumps));
      this.go(next);
      if (next === this.last) this.stop();
    }, Math.max(DURATION / jumps, 16));
    this.playing(true);
  }

  stop() {
    if (!this.timer) return;
    clearInterval(this.timer);
    this.timer = 0;
    this.playing(false);
  }
}
