// Predict: ask before the hand moves, record the answer, let the text line reply.
import { create, KEEP_KEYS } from "./dom.js";
import { fillText } from "./says.js";

/**
 * Create the prediction of a figure.
 * @param {object} spec
 * @param {object} context meta, space, id, changed().
 * @returns {{element: HTMLElement, reply: Function, clear: Function}}
 */
export function createPredict(spec, { meta, space, id, changed }) {
  let choice = null;
  const radios = spec.options.map((_, k) => {
    const radio = create("input", {
      type: "radio", name: `${id}-predict`, id: `${id}-predict-${k}`, ...KEEP_KEYS,
    });
    radio.addEventListener("change", () => {
      choice = k;
      changed();
    });
    return radio;
  });
  const items = radios.map((radio, k) =>
    create("span", {}, radio, create("label", { htmlFor: radio.id }, spec.options[k])));
  const legend = create("legend", {}, create("b", {}, "Predict "), spec.question);
  const row = create("div", { className: "ck-options" }, ...items);
  const element = create("fieldset", { className: "ck-predict" }, legend, row);

  const reply = (state) => {
    if (choice === null) return "";
    const said = `“${spec.options[choice]}”`;
    if (!Object.entries(spec.when).every(([dim, place]) => state[dim] === place)) {
      return `Noted: you predict ${said}. `;
    }
    const text = fillText(spec.reply, meta, space, state);
    return [verdict(said, spec, choice), text].filter(Boolean).join(" ") + " ";
  };
  const clear = () => {
    choice = null;
    for (const radio of radios) radio.checked = false;
  };
  return { element, reply, clear };
}

function verdict(said, { answer, options }, choice) {
  if (answer === null) return `You predicted ${said}.`;
  return options[choice] === answer
    ? `You predicted ${said}, and so it is.`
    : `You predicted ${said}; it is “${answer}”.`;
}
