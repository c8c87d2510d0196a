// Collect the curves of a Lines panel from the data, before anything is drawn.
import { positionsOf } from "../core/scale.js";

/**
 * @typedef {object} Curve
 * @property {number[]} xs
 * @property {number[]} ys
 * @property {?number[][]} band Lower and upper edge.
 * @property {?number[][]} half The same for the middle half of many seeds.
 * @property {string} colour Role of the palette, or "context".
 * @property {number} dash Number of the dash, and of the marker.
 * @property {boolean} focus Whether it is the state's own.
 * @property {boolean} context Whether it is grey.
 * @property {boolean} points Whether it is drawn as markers.
 * @property {string} text Its label.
 * @property {?number} member Its place in the family.
 * @property {boolean} [theory] Whether it is a reference.
 */

/**
 * Collect all curves, those in focus last.
 * @param {object} panel
 * @param {object} view
 * @returns {Curve[]}
 */
export function collectCurves(panel, view) {
  const { over } = panel;
  const members = over ? [...view.space.dims[over].names.keys()] : [null];
  const curves = panel.series.flatMap((series, s) =>
    members.map((member) => curveOf(panel, view, series, s, member)));
  return [...theoryCurves(panel, view), ...curves.sort((a, b) => a.focus - b.focus)];
}

/** The reference curves: theory, which is grey and dashed. */
function theoryCurves(panel, { space, state }) {
  return panel.refs.filter((ref) => ref.curve).map((ref) => ({
    xs: xsOf(panel, space, state),
    ys: space.along(ref.curve, panel.axis, state),
    text: ref.label, colour: "theory", dash: 0, member: null, theory: true,
  }));
}

/** Where the points of a line lie: the settings of its axis, or a field over it. */
function xsOf(panel, space, state) {
  const own = panel.x === panel.axis;
  return own ? positionsOf(space.dims[panel.axis]) : space.along(panel.x, panel.axis, state);
}

function curveOf(panel, view, series, s, member) {
  const { space } = view;
  const state = member === null ? view.state : { ...view.state, [panel.over]: member };
  const along = (name) => space.along(name, panel.axis, state);
  const edges = (names) => (names ? names.map(along) : null);
  return {
    xs: xsOf(panel, space, state),
    ys: along(series.y),
    band: edges(series.band),
    half: edges(series.half),
    points: series.points,
    member,
    ...familyLook(panel, view, series, s, member),
  };
}

/** Decide colour, dash and label: focus in colour, an ordered family's rest in grey. */
function familyLook(panel, view, series, s, member) {
  const plain = { colour: series.colour, dash: series.dash, text: series.label };
  if (member === null) return { ...plain, focus: true, context: false };
  const { names, ordered } = view.space.dims[panel.over];
  const chosen = view.state[panel.over];
  const focus = chosen === undefined || chosen === member;
  const several = panel.series.length > 1;
  const text = [focus ? panel.lead + names[member] : names[member], several && series.label]
    .filter(Boolean).join(" ");
  if (ordered && !focus) return { colour: "context", dash: 0, text, focus, context: true };
  if (several) return { ...plain, text, focus, context: false };
  const { series: roles } = view.palette;
  if (ordered) return { colour: "vermillion", dash: 0, text, focus, context: false };
  // how often the colours were all used
  const again = Math.floor(member / roles.length);
  return { colour: roles[member % roles.length], dash: member + again, text, focus, context: false };
}

/** Whether a point and its values can be drawn on a frame's axes. */
export const isDrawable = ({ x, y }) => ([at, ...values]) =>
  values.every((v) => Number.isFinite(v) && !(y.log && v <= 0)) && !(x.log && at <= 0);

/** The points of a curve that can be drawn, in pixels, with their places. */
export function drawablePoints(curve, frame) {
  return curve.xs.map((x, k) => ({ k, at: [x, curve.ys[k]] }))
    .filter(({ at }) => isDrawable(frame)(at))
    .map(({ k, at }) => ({ k, x: frame.x(at[0]), y: frame.y(at[1]) }));
}
