// Answer what a name means in a state. Twin of coursekit/figures/space.py.

/**
 * A state gives every dimension that a control sets: the position of the setting, or
 * for a continuous dimension the number itself.
 * @typedef {Object<string, number>} State
 */

/**
 * Join stored arrays and a closed form under one set of names.
 * @param {object} meta The figure's header.
 * @param {object} arrays Decoded arrays by name.
 * @param {Object<string, Function>} models Closed forms by name.
 */
export function createSpace(meta, arrays, models) {
  const { dims, model } = meta;
  const memo = new Map();

  function compute(state) {
    const inputs = model.inputs.map((name) => valueOf(name, state));
    const key = inputs.join("|");
    if (!memo.has(key)) {
      if (memo.size > 400) memo.clear();
      const named = Object.fromEntries(model.inputs.map((name, k) => [name, inputs[k]]));
      memo.set(key, models[model.name](named));
    }
    return memo.get(key);
  }

  function array(name, state) {
    if (arrays[name]) return arrays[name];
    if (!model || !(name in model.outputs)) throw new Error(`no field ${name}`);
    const axes = model.outputs[name];
    const values = [compute(state)[name]].flat(Infinity);
    return { dims: axes, shape: axes.map((d) => dims[d].names.length), values };
  }

  function offset({ dims: axes, shape }, state) {
    return axes.reduce((at, d, k) => at * shape[k] + (state[d] ?? 0), 0);
  }

  function at(name, state) {
    const found = array(name, state);
    return found.values[offset(found, state)];
  }

  function along(name, axis, state) {
    const found = array(name, state);
    const places = [...dims[axis].names.keys()];
    return places.map((k) => found.values[offset(found, { ...state, [axis]: k })]);
  }

  function valueOf(name, state) {
    const dim = dims[name];
    return dim.names ? dim.values[state[name]] : state[name];
  }

  /** Inputs of the closed form in a state, for its field. */
  function inputsOf(state) {
    return Object.fromEntries(model.inputs.map((name) => [name, valueOf(name, state)]));
  }

  const has = (name) => Boolean(arrays[name] || (model && name in model.outputs));
  const scalar = (value, state) => {
    if (typeof value !== "string") return value;
    return dims[value] ? valueOf(value, state) : at(value, state);
  };
  const field = (state) => {
    const inputs = inputsOf(state);
    return (x, y) => models[`${model.name}Field`](x, y, inputs);
  };
  return { dims, has, at, along, array, valueOf, scalar, field, inputsOf };
}
