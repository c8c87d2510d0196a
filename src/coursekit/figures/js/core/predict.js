// Predict: ask before the hand moves, record the answer, let the text line reply.
import { create, KEEP_KEYS } from "./dom.js";
import { fillText } from "./says.js";

/** The prediction of a figure. It never blocks anything. */
export class Prediction {
  /**
   * @param {object} spec
   * @param {object} context meta, space, id, changed().
   */
  constructor(spec, { meta, space, id, changed }) {
    Object.assign(this, { spec, meta, space, choice: null });
    const choose = (k) => {
      this.choice = k;
      changed();
    };
    this.radios = spec.options.map((_, k) => radioButton(`${id}-predict`, k, () => choose(k)));
    const items = this.radios.map((radio, k) =>
      create("span", {}, radio, create("label", { htmlFor: radio.id }, spec.options[k])));
    const legend = create("legend", {}, create("b", {}, "Predict "), spec.question);
    const row = create("div", { className: "ck-options" }, ...items);
    this.element = create("fieldset", { className: "ck-predict" }, legend, row);
  }

  /** What the text line says of the prediction in a state. */
  reply(state) {
    if (this.choice === null) return "";
    const said = `“${this.spec.options[this.choice]}”`;
    if (!Object.entries(this.spec.when).every(([dim, place]) => state[dim] === place)) {
      return `Noted: you predict ${said}. `;
    }
    const text = fillText(this.spec.reply, this.meta, this.space, state);
    return `${[this.verdict(said), text].filter(Boolean).join(" ")} `;
  }

  verdict(said) {
    const { answer, options } = this.spec;
    if (answer === null) return `You predicted ${said}.`;
    return options[this.choice] === answer
      ? `You predicted ${said}, and so it is.`
      : `You predicted ${said}; it is “${answer}”.`;
  }

  clear() {
    this.choice = null;
    for (const radio of this.radios) radio.checked = false;
  }
}

/** One of a group of radio buttons. */
export function radioButton(name, k, act) {
  const radio = create("input", { type: "radio", name, id: `${name}-${k}`, ...KEEP_KEYS });
  radio.addEventListener("change", act);
  return radio;
}
