// Restore the arrays of a figure. Twin of coursekit/figures/encoding.py.

/** Codes by encoding: lowest level, number of steps, missing, diverged. */
const CODES = {
  i16: [-32766, 65532, -32768, 32767],
  i16log: [-32766, 65532, -32768, 32767],
  u8: [0, 254, 255, null],
  u8lin: [0, 253, 255, 254],
  u8x: [0, 255, null, null],
};

/**
 * Inflate base64 text.
 * @param {string} text
 * @returns {Promise<ArrayBuffer>}
 */
export async function inflate(text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream();
  return new Response(stream.pipeThrough(new DecompressionStream("deflate"))).arrayBuffer();
}

/**
 * Read all arrays of a blob.
 * @param {Object<string, object>} entries Header entries by name.
 * @param {ArrayBuffer} buffer The inflated blob.
 * @returns {Object<string, {dims: string[], shape: number[], values: Float64Array}>}
 */
export function decodeArrays(entries, buffer) {
  const decodeEntry = ([name, e]) => [name, { ...e, values: decodeArray(e, buffer) }];
  return Object.fromEntries(Object.entries(entries).map(decodeEntry));
}

function decodeArray({ shape, offset, encoding, range: [low, high] }, buffer) {
  const count = shape.reduce((product, n) => product * n, 1);
  const wide = encoding.startsWith("i16");
  const raw = wide
    ? undoDifferences(new Uint16Array(buffer, offset, count), shape.at(-1) ?? 1)
    : new Uint8Array(buffer, offset, count);
  if (encoding === "u8x") return Float64Array.from(raw);
  const [lowest, steps, missing, diverged] = CODES[encoding];
  return Float64Array.from(raw, (code) => {
    if (code === missing) return NaN;
    if (code === diverged) return Infinity;
    const value = low + ((code - lowest) / steps) * (high - low);
    return encoding === "i16log" ? Math.exp(value) : value;
  });
}

function undoDifferences(differences, rowLength) {
  const codes = new Int16Array(differences.length);
  for (let i = 0; i < codes.length; i++) {
    codes[i] = (i % rowLength ? codes[i - 1] : 0) + differences[i];
  }
  return codes;
}
