// Which of 4 images x 8 channels x 16 positions share a mean with one of them.

/** 1 for the numbers whose mean the chosen one is normalized with. */
export function shares({ kind, at_image, at_channel, at_position }) {
  const [norm, number] = kind.split(" ");
  const size = norm === "GN" ? 8 / number : 1;
  const block = (c) => Math.floor((c - 1) / size);
  const within = (image, channel, position) => {
    const own = image === at_image;
    const together = block(channel) === block(at_channel);
    const here = position === at_position;
    if (kind === "BN") return together;
    if (kind === "LN") return own;
    if (kind === "PN") return own && here;
    return kind === "BN, evaluation" ? own && together && here : own && together;
  };
  const to = (n) => Array.from({ length: n }, (_, k) => k + 1);
  const found = to(4).map((n) => to(8).map((c) => to(16).map((p) => +within(n, c, p))));
  return { shares: found };
}
