// Answer what a name means in a state. Twin of coursekit/figures/space.py.

/**
 * A state gives every dimension that a control sets: the position of the setting, or
 * for a continuous dimension the number itself.
 * @typedef {Object<string, number>} State
 */

/** Stored arrays and a closed form under one set of names. */
export class Space {
  /**
   * @param {object} meta The figure's header.
   * @param {object} arrays Decoded arrays by name.
   * @param {Object<string, Function>} models Closed forms by name.
   */
  constructor({ dims, model }, arrays, models) {
    Object.assign(this, { dims, model, arrays, models, memo: new Map() });
  }

  /** The number that a field has in a state. */
  at(name, state) {
    const found = this.array(name, state);
    return found.values[offsetIn(found, state)];
  }

  /** The numbers that a field has along one dimension. */
  along(name, axis, state) {
    const found = this.array(name, state);
    const places = [...this.dims[axis].names.keys()];
    return places.map((k) => found.values[offsetIn(found, { ...state, [axis]: k })]);
  }

  /** A number that may be given by the name of a field or of a dimension. */
  scalar(value, state) {
    if (typeof value !== "string") return value;
    return this.dims[value] ? this.valueOf(value, state) : this.at(value, state);
  }

  /** The setting of a dimension. */
  valueOf(name, state) {
    const dim = this.dims[name];
    return dim.names ? dim.values[state[name]] : state[name];
  }

  /** A whole field: its dimensions, lengths and values. */
  array(name, state) {
    if (this.arrays[name]) return this.arrays[name];
    const axes = this.model?.outputs[name];
    if (!axes) throw new Error(`no field ${name}`);
    const values = [this.outputs(state)[name]].flat(Infinity);
    return { dims: axes, shape: axes.map((d) => this.dims[d].names.length), values };
  }

  /** What the closed form is called with. */
  inputs(state) {
    return Object.fromEntries(this.model.inputs.map((d) => [d, this.valueOf(d, state)]));
  }

  /** The surface of the closed form, as a function of x and y. */
  field(state) {
    const inputs = this.inputs(state);
    return (x, y) => this.models[`${this.model.name}Field`](x, y, inputs);
  }

  outputs(state) {
    const inputs = this.inputs(state);
    const key = Object.values(inputs).join("|");
    if (!this.memo.has(key)) {
      if (this.memo.size > 400) this.memo.clear();
      this.memo.set(key, this.models[this.model.name](inputs));
    }
    return this.memo.get(key);
  }
}

function offsetIn({ dims, shape }, state) {
  return dims.reduce((at, d, k) => at * shape[k] + (state[d] ?? 0), 0);
}
