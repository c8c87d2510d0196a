// A chain of equal layers: slope times weight, once a layer.

/** Slope over z, and what is left of the signal after each step back. */
export function chain({ activation, z, weight, depth }) {
  const here = chainSlope(activation, z);
  const [factor, top] = [here * weight, activation === "sigmoid" ? 0.25 : 1];
  const steps = Array.from({ length: 61 }, (_, k) => k);
  const level = Math.abs(factor - 1) < 1e-9;
  return {
    curve: Array.from({ length: 121 }, (_, k) => chainSlope(activation, (k - 60) / 10)),
    delta: steps.map((k) => (k <= depth ? factor ** k : NaN)),
    bare: steps.map((k) => (k <= depth ? here ** k : NaN)),
    here: z, slope: here, factor, total: factor ** depth, off: +(here === 0),
    level: +level, grows: +(factor > 1 && !level), flat: +(here < top / 10),
  };
}

/** Slope of the activation function. */
function chainSlope(activation, z) {
  if (activation === "ReLU") return +(z > 0);
  const t = Math.tanh(activation === "sigmoid" ? z / 2 : z);
  return (activation === "sigmoid" ? 0.25 : 1) * (1 - t * t);
}
