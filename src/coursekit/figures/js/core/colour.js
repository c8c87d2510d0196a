// Colours of fields, and ink that can be read on them.

/**
 * Return the colour at a place of a ramp.
 * @param {string[]} stops Colours as #rrggbb, at equal steps.
 * @param {number} t From 0 to 1; clipped.
 * @returns {[number, number, number]} Channels from 0 to 255.
 */
export function rampColour(stops, t) {
  const place = Math.max(0, Math.min(1, t)) * (stops.length - 1);
  const k = Math.min(stops.length - 2, Math.floor(place));
  const [a, b] = [channels(stops[k]), channels(stops[k + 1])];
  return a.map((v, i) => Math.round(v + (b[i] - v) * (place - k)));
}

/** Write channels as a CSS colour. */
export function cssColour(rgb) {
  return `#${rgb.map((v) => v.toString(16).padStart(2, "0")).join("")}`;
}

/** Choose black or white, whichever contrasts more: never below 4.58 : 1. */
export function inkOn(rgb) {
  return luminanceOf(rgb) > 0.1791 ? "#000000" : "#ffffff";
}

/** Relative luminance, as WCAG defines it. */
export function luminanceOf(rgb) {
  const [r, g, b] = rgb.map((v) => {
    const c = v / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function channels(hex) {
  return [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16));
}
