// Pure parts of the core: scales, labels, colours, links, sentences, contours.
import assert from "node:assert/strict";
import test from "node:test";

const load = (name) => import(`${process.env.FIGURES_JS}/${name}.js`);
const { createScale, ticksOf } = await load("core/scale");
const { boxOf, columnLabels, insideLabels, overlap } = await load("core/labels");
const { inkOn, luminanceOf, rampColour } = await load("core/colour");
const { readLink, stateLink } = await load("core/link");
const { axisNames, createFrame, keepApart } = await load("core/frame");
const { levelsOf, sampleField, traceLevel } = await load("core/contour");
const { Space } = await load("core/space");
const { fillText, sentenceOf } = await load("core/says");
const { Player } = await load("core/player");
const { SPEAK_AFTER } = await load("core/speech");
const { cellsOf, drawCell } = await load("marks/cells");
const { pathTo } = await load("marks/tree");

test("a scale and its inverse undo each other", () => {
  for (const log of [false, true]) {
    const scale = createScale([0.01, 100], [20, 220], log);
    for (const v of [0.01, 0.5, 7, 100]) assert.ok(Math.abs(scale.invert(scale(v)) / v - 1) < 1e-12);
  }
});

test("ticks are round, inside, and not too many", () => {
  for (const [low, high] of [[0, 1], [-3.2, 7.9], [1e-5, 3e-5], [12, 1400]]) {
    const ticks = ticksOf([low, high], false, 5);
    assert.ok(ticks.length >= 2 && ticks.length <= 6, `${ticks}`);
    assert.ok(ticks.every((t) => t >= low - 1e-12 && t <= high + 1e-12));
  }
  assert.deepEqual(ticksOf([1e-6, 1e3], true, 5), [1e-6, 1e-4, 1e-2, 1, 100]);
  assert.deepEqual(ticksOf([0.3, 6], true, 5), [0.5, 1, 2, 5]);
  assert.ok(ticksOf([1.41, 1.43], true, 5).length >= 2);
});

test("column labels never touch and keep their order", () => {
  const ends = [10, 11, 12, 60, 61].map((y) => ({ x: 0, y, text: `${y}`, width: 20, context: false }));
  const placed = columnLabels(ends, 0, 200);
  const ys = placed.map((p) => p.labelY);
  assert.ok(ys.every((y, k) => k === 0 || y - ys[k - 1] >= 15));
});

test("column labels pushed past the bottom move up instead", () => {
  const ends = [95, 96, 97, 98].map((y) => ({ x: 0, y, text: "", width: 1, context: false }));
  const ys = columnLabels(ends, 0, 100).map((p) => p.labelY);
  assert.ok(ys.at(-1) <= 100);
  assert.ok(ys.every((y, k) => k === 0 || y - ys[k - 1] >= 15));
});

test("more than three touching context labels merge, the focus stays", () => {
  const context = [50, 51, 52, 53].map((y) => ({ x: 0, y, text: `${y}`, width: 9, context: true }));
  const focus = { x: 0, y: 20, text: "B = 4", width: 30, context: false };
  assert.deepEqual(columnLabels([...context, focus], 0, 200).map((p) => p.text), ["B = 4", "4 others"]);
  const aside = { x: 0, y: 150, text: "apart", width: 9, context: true };
  const texts = columnLabels([...context, aside], 0, 200).map((p) => p.text);
  assert.deepEqual(texts, ["4 others", "apart"]);
  const spread = [0, 50, 100, 150].map((y) => ({ x: 0, y, text: `${y}`, width: 9, context: true }));
  assert.equal(columnLabels(spread, 0, 200).length, 4);
});

test("labels inside the plot avoid each other or give way", () => {
  const plot = { left: 0, right: 300, top: 0, bottom: 200 };
  const crowd = Array.from({ length: 9 }, () => ({ x: 150, y: 100, text: "x", width: 40, context: true }));
  const placed = insideLabels([{ ...crowd[0], context: false, text: "focus" }, ...crowd], [], plot);
  assert.ok(placed.length < 10);
  assert.equal(placed[0].text, "focus");
  const boxes = placed.map((p) => boxOf(p, p.width));
  boxes.forEach((a, i) => boxes.slice(i + 1).forEach((b) => assert.ok(!overlap(a, b))));
});

test("tick texts that would touch are left out", () => {
  const items = [0, 5, 40, 80].map((at) => ({ at, text: "000" }));
  assert.deepEqual(keepApart(items).map((i) => i.shown), [true, false, true, false]);
});

test("a wrapped name of y stands above the plot, on few lines or many", () => {
  const spec = { height: 240, xlim: [0, 1], ylim: [1e-6, 1e4], ylog: true,
    ylabel: "standard deviation (range of 5 seeds)" };
  for (const width of [150, 200, 260, 320, 400]) {
    const frame = createFrame({ ...spec, width, right: 80 });
    const lines = frame.axes.match(/class="ck-axis"/g).length;
    assert.ok(frame.top >= 13 + 15 * (lines - 1) + 8, `${width}: ${lines} lines`);
  }
});

test("the name of x stays inside the panel at both ends", () => {
  const centreOf = (left, right) => {
    const plot = { left, right, width: 300, height: 200 };
    return Number(axisNames({ xlabel: "x".repeat(30) }, plot).match(/ x="([\d.]+)"/)[1]);
  };
  const half = (30 * 12 * 0.56) / 2;
  assert.equal(centreOf(40, 260), 150);
  assert.ok(Math.abs(centreOf(250, 300) + half + 2 - 300) < 0.1);
  assert.ok(Math.abs(centreOf(0, 60) - half - 2) < 0.1);
});

test("ink on any colour has at least 4.58 : 1", () => {
  const channel = { "#000000": 0, "#ffffff": 255 };
  for (let k = 0; k < 4096; k++) {
    const rgb = [(k & 15) * 17, ((k >> 4) & 15) * 17, ((k >> 8) & 15) * 17];
    const [a, b] = [rgb, Array(3).fill(channel[inkOn(rgb)])].map(luminanceOf).sort((p, q) => q - p);
    assert.ok((a + 0.05) / (b + 0.05) >= 4.58, `${rgb}`);
  }
});

test("a ramp starts, ends and mixes where it should", () => {
  const stops = ["#000000", "#ff0000", "#ffffff"];
  assert.deepEqual([-1, 0, 0.25, 0.5, 1, 2].map((t) => rampColour(stops, t).join()),
    ["0,0,0", "0,0,0", "128,0,0", "255,0,0", "255,255,255", "255,255,255"]);
});

const dims = {
  act: { names: ["tanh", "ReLU"], values: ["tanh", "ReLU"] },
  gain: { names: ["0.50", "1.41"], values: [0.5, 1.4142] },
  mu: { low: 0, high: 1, spec: "" },
};

test("a state survives its own address", () => {
  const state = { act: 1, gain: 0, mu: 0.25 };
  const link = stateLink("fig-x", dims, state);
  assert.equal(link, "#fig-x?act=ReLU&gain=0.5&mu=0.25");
  assert.deepEqual(readLink(link, "fig-x", dims, Object.keys(state)), state);
});

test("an address is read by value or name, and never trusted", () => {
  const read = (hash) => readLink(hash, "fig-x", dims, ["act", "gain", "mu"]);
  assert.deepEqual(read("#fig-x?gain=1.41"), { gain: 1 });
  assert.deepEqual(read("#fig-x?gain=1.4142&mu=0.5"), { gain: 1, mu: 0.5 });
  assert.deepEqual(read("#fig-x?gain=7&mu=9&act=&other=1&__proto__=2"), {});
  assert.equal(read("#fig-y?gain=0.5"), null);
  assert.deepEqual(read("#fig-x"), {});
});

const meta = {
  dims: { ...dims, t: { names: ["0", "1", "2"], values: [0, 1, 2] } }, seeds: 5,
  model: { name: "twice", inputs: ["mu"], outputs: { y: ["t"], big: [] } },
  says: {
    table: null,
    rules: [{ when: "big", parts: ["big"] }, { when: null, parts: ["small"] }],
  },
};
const arrays = { loss: { dims: ["act", "t"], shape: [2, 3], values: Float64Array.of(1, 2, 3, 4, 5, 6) } };
const twice = ({ mu }) => ({ y: [mu, 2 * mu, 3 * mu], big: Number(mu > 0.5) });
const space = new Space(meta, arrays, { twice });

test("a space answers for stored and for computed fields alike", () => {
  const state = { act: 1, mu: 0.5, t: 2 };
  assert.equal(space.at("loss", state), 6);
  assert.equal(space.at("y", state), 1.5);
  assert.deepEqual([...space.along("loss", "t", { act: 0 })], [1, 2, 3]);
  assert.deepEqual(space.along("y", "t", { mu: 1 }), [1, 2, 3]);
  assert.equal(space.scalar("mu", state), 0.5);
  assert.equal(space.scalar(7, state), 7);
  assert.throws(() => space.at("nothing", state), /no field nothing/);
});

test("sentences are filled from the state, or from elsewhere", () => {
  const field = (name, at = {}, spec = "") => ({ name, at, spec });
  const parts = ["a ", field("act"), ", ", field("loss", { t: 0 }, ".1f"), ", ", field("seeds")];
  assert.equal(fillText(parts, meta, space, { act: 1, t: 2 }), "a ReLU, 4.0, 5");
  assert.equal(fillText([field("gain", {}, ".1f")], meta, space, { gain: 1 }), "1.4");
  assert.equal(sentenceOf(meta, space, { mu: 0.9 }), "big");
  assert.equal(sentenceOf(meta, space, { mu: 0.1 }), "small");
});

test("iso-lines lie on their level", () => {
  const grid = Array.from({ length: 41 }, (_, k) => -2 + k / 10);
  const values = sampleField((x, y) => x * x + y * y, grid, grid);
  const d = traceLevel(values, 1, grid, grid);
  const points = [...d.matchAll(/[ML](-?[\d.]+),(-?[\d.]+)/g)].map((m) => Math.hypot(+m[1], +m[2]));
  assert.ok(points.length > 40);
  assert.ok(points.every((r) => Math.abs(r - 1) < 0.1));
});

test("levels crowd at the bottom of a bowl and not at a saddle", () => {
  const bowl = levelsOf([[0, 1], [4, 9]], 9);
  assert.ok(bowl[1] - bowl[0] < bowl[8] - bowl[7]);
  const saddle = levelsOf([[-4, 0], [0, 4]], 3);
  assert.deepEqual(saddle, [-2, 0, 2]);
});

test("the path to a node names all its questions", () => {
  const leaf = (id) => ({ id, text: "", answers: [] });
  const root = { id: 0, answers: [["a", leaf(1)], ["b", { id: 2, answers: [["c", leaf(3)]] }]] };
  assert.deepEqual(pathTo(root, 3), [0, 2, 3]);
  assert.deepEqual(pathTo(root, 2), [0, 2]);
  assert.equal(pathTo(root, 9), null);
});

/** Run a player with a clock of our own. */
function play(last, from, reduced) {
  const [places, states] = [[], []];
  const real = { setInterval, clearInterval };
  let clock = null;
  globalThis.matchMedia = () => ({ matches: reduced });
  globalThis.setInterval = (act, delay) => (clock = { act, delay });
  globalThis.clearInterval = () => (clock = null);
  const player = new Player(last, (k) => places.push(k), (on) => states.push(on));
  player.play(from);
  const { delay } = clock;
  let ticks = 0;
  for (; clock && ticks < 1000; ticks++) clock.act();
  Object.assign(globalThis, real);
  return { places, states, ticks, delay };
}

test("play lasts two to three seconds, ends, and never loops", () => {
  for (const last of [5, 23, 100]) {
    const { places, states, ticks, delay } = play(last, last, false);
    assert.equal(places[0], 0);
    assert.equal(places.at(-1), last);
    assert.equal(ticks, last);
    assert.ok(ticks * delay >= 2000 && ticks * delay <= 3000);
    assert.deepEqual(states, [true, false]);
  }
});

test("play goes on from where it stands", () => {
  const { places } = play(10, 7, false);
  assert.deepEqual(places, [7, 8, 9, 10]);
});

test("with reduced motion there are eight jumps", () => {
  const { places } = play(100, 100, true);
  assert.deepEqual(places, [0, 13, 25, 38, 50, 63, 75, 88, 100]);
});

test("the text line waits 120 to 300 ms", () => {
  assert.ok(SPEAK_AFTER >= 120 && SPEAK_AFTER <= 300);
});

test("a heat map leaves a missing cell empty and crosses out a diverged one", () => {
  const stored = [0.1, NaN, Infinity];
  const view = {
    state: {}, palette: { ramp: ["#000000", "#ffffff"] },
    space: { at: (name, state) => stored[state.x] },
  };
  const grid = {
    columns: 3, rows: 1, w: 40, h: 40,
    boxOf: (i) => ({ x: 40 * i, y: 0, width: 40, height: 40 }),
  };
  const panel = { x: "x", y: "y", z: "z", zlim: [0, 1], ramp: "ramp", show: null };
  const drawn = cellsOf(panel, view, grid).map((cell) => drawCell(panel, cell, grid));
  assert.deepEqual(drawn.map((cell) => cell.includes("ck-failed")), [false, true, true]);
  assert.deepEqual(drawn.map((cell) => cell.includes("<path")), [false, false, true]);
});
