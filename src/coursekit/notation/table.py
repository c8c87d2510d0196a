r"""Tie every symbol of the book to its words, its names in the code and its unit.

Bold lower case is a vector, upper case a matrix. A target is y, a predicted
probability p; ŷ is always a prediction. A letter with several meanings has an
entry for each, with the chapters in which it holds.
"""

from dataclasses import dataclass

__all__ = ["SYMBOLS", "Symbol", "symbol"]


@dataclass(frozen=True)
class Symbol:
    r"""Tie one symbol to its meaning and to its names in the code.

    Attributes:
        latex: The symbol, without dollar signs.
        meaning: In words.
        argument: The public argument or attribute, in torch's words; empty if
            no argument carries it.
        body: The identifier in a line of code that stands under an equation;
            empty if it is the argument.
        unit: What it is counted in; empty for a pure number.
        scope: Chapters (by id) in which the symbol has this meaning; empty for
            the whole book.
    """

    latex: str
    meaning: str
    argument: str = ""
    body: str = ""
    unit: str = ""
    scope: tuple[str, ...] = ()

    @property
    def identifiers(self) -> tuple[str, ...]:
        """Every name the code has for it: arguments first, then bodies."""
        names = f"{self.argument}, {self.body}".split(",")
        return tuple(name.strip() for name in names if name.strip())


SYMBOLS: tuple[Symbol, ...] = (
    Symbol(r"\theta, \theta_t", "parameters; after t updates", "params", "theta"),
    Symbol(
        r"L(\theta), L_B(\theta)",
        "mean loss on the data set; on the mini-batch B",
        "loss",
        "",
        "nats for cross-entropy",
    ),
    Symbol(r"x_r", "example r = 1 … N", "x"),
    Symbol(r"y_r", "target of example r", "y"),
    Symbol(r"N", "number of examples", "n", "", "examples"),
    Symbol(r"i, j", "coordinate: feature, unit or parameter", "", "i, j"),
    Symbol(r"l", "layer, 1 … L (L is also the loss)", "layer", "l", "layers"),
    Symbol(r"L", "number of layers or blocks", "depth, n_blocks", "", "layers"),
    Symbol(
        r"n_{in}", "fan-in: terms in the sum of one unit", "fan_in", "n_in", "units"
    ),
    Symbol(
        r"n_{out}",
        "fan-out: units that one input reaches",
        "fan_out",
        "n_out",
        "units",
    ),
    Symbol(r"W^l", "weights of layer l", "weight", "w"),
    Symbol(r"b^l", "bias of layer l", "bias", "b"),
    Symbol(r"z^l = W^l a^{l-1} + b^l", "pre-activation", "", "z"),
    Symbol(r"\phi", "activation function", "activation", "phi"),
    Symbol(r"a^l = \phi(z^l)", "activation of layer l", "", "a"),
    Symbol(r"\delta^l = \partial L / \partial z^l", "back-propagated signal", "delta"),
    Symbol(r"g", "gain: Std(w) = g/√n", "gain", "g", "", ("INIT",)),
    Symbol(r"c", "constant weight", "value", "c", "", ("INIT",)),
    Symbol(
        r"a",
        "slope of a leaky ReLU for z < 0",
        "negative_slope",
        "a",
        "",
        ("INIT", "VAN"),
    ),
    Symbol(
        r"s",
        "factor on a residual branch",
        "branch_scale, factor",
        "s",
        "",
        ("INIT", "VAN"),
    ),
    Symbol(
        r"\sigma",
        "standard deviation of a pre-activation",
        "std",
        "sigma",
        "",
        ("INIT",),
    ),
    Symbol(
        r"q_f = \mathbb{E}[\phi(z)^2]",
        "second moment of the activation",
        "forward",
        "q_f",
        "",
        ("INIT",),
    ),
    Symbol(
        r"q_b = \mathbb{E}[\phi'(z)^2]",
        "second moment of its slope",
        "backward",
        "q_b",
        "",
        ("INIT",),
    ),
    Symbol(r"o", "logits", "logits", "o"),
    Symbol(r"p = \mathrm{softmax}(o)", "predicted probabilities", "probs", "p"),
    Symbol(r"\tau", "temperature of the softmax", "temperature", "tau"),
    Symbol(r"B", "batch size", "batch_size", "", "examples"),
    Symbol(r"M = \lceil N/B \rceil", "updates per epoch", "", "", "updates"),
    Symbol(r"\eta, \eta_t", "learning rate; at update t", "lr", "", "parameter²/loss"),
    Symbol(r"t", "number of the update, from 1", "t", "", "updates"),
    Symbol(
        r"g_t = \nabla L_B(\theta_{t-1})",
        "gradient used in update t; its square is element-wise",
        "grad",
        "g",
        "loss/parameter",
    ),
    Symbol(
        r"\Delta_t",
        "what update t takes away: θ_t = θ_{t−1} − Δ_t",
        "",
        "delta",
        "parameter",
        ("GD", "ADAPT", "SCHED", "OPT"),
    ),
    Symbol(r"H", "Hessian", "hessian", "", "loss/parameter²"),
    Symbol(r"\lambda_i", "eigenvalue of the Hessian", "eigs", "", "loss/parameter²"),
    Symbol(r"\kappa = \lambda_{max}/\lambda_{min}", "condition number", "kappa"),
    Symbol(r"\Delta\theta", "displacement", "delta", "", "parameter", ("CRIT",)),
    Symbol(r"v", "direction", "v", "", "", ("CRIT",)),
    Symbol(
        r"u_i", "eigenvector of the Hessian, length 1", "vectors", "u", "", ("CRIT",)
    ),
    Symbol(r"Q", "eigenvectors as columns", "Q", "", "", ("CRIT",)),
    Symbol(r"n_+, n_-, n_0", "eigenvalues of each sign", "positive, negative, zero"),
    Symbol(
        r"\alpha_j, \beta_j",
        "Lanczos: diagonal of T, and beside it",
        "alpha, beta",
        "",
        "",
        ("CRIT",),
    ),
    Symbol(r"\nu", "damping of a least-squares step", "", "nu", "", ("CRIT",)),
    Symbol(r"c", "damping relative to the largest λ²", "c", "", "", ("CRIT",)),
    Symbol(r"\mu", "momentum coefficient", "momentum", "mu"),
    Symbol(
        r"m_t = \mu m_{t-1} + \eta g_t",
        "movement of SGDM",
        "buf",
        "m",
        "parameter",
        ("GD",),
    ),
    Symbol(
        r"m_t = \beta_1 m_{t-1} + (1-\beta_1) g_t",
        "first-moment average of Adam",
        "exp_avg",
        "m",
        "loss/parameter",
        ("ADAPT", "OPT"),
    ),
    Symbol(
        r"v_t", "second-moment average", "exp_avg_sq", "v", "", ("ADAPT", "OPT", "GD")
    ),
    Symbol(r"\hat m_t", "bias-corrected first moment", "", "m_hat"),
    Symbol(r"\hat v_t", "bias-corrected second moment", "", "v_hat"),
    Symbol(r"\beta_1, \beta_2", "decay of Adam's averages", "betas", "beta1, beta2"),
    Symbol(
        r"\epsilon",
        "constant that keeps a denominator from zero",
        "eps",
        "",
        "loss/parameter",
        ("ADAPT", "OPT"),
    ),
    Symbol(r"\alpha", "decay of RMSProp", "alpha", "", "", ("ADAPT",)),
    Symbol(r"\alpha", "Lookahead's outer step", "la_alpha", "", "", ("OPT",)),
    Symbol(r"\sigma_t", "root of the accumulated squares", "", "sigma", "", ("ADAPT",)),
    Symbol(r"d_t", "direction of steepest descent", "", "d", "", ("GD",)),
    Symbol(r"v^{max}_t", "largest second-moment average so far", "", "v_max"),
    Symbol(r"a_t", "RMSProp: average of the gradient", "", "a", "", ("ADAPT",)),
    Symbol(r"\eta^*", "AdaBound: rate of SGD at the end", "final_lr"),
    Symbol(r"\eta^l_t, \eta^u_t", "AdaBound: bounds of the rate", "", "lower, upper"),
    Symbol(r"\hat\eta_t", "AdaBound: rate between its bounds", "", "rate"),
    Symbol(r"\mu_t, \mu_{t+1}", "NAdam: momentum now and next", "", "mu_next"),
    Symbol(r"\pi_t", "NAdam: product of its momenta", "mu_product", "pi"),
    Symbol(r"\psi", "NAdam: speed of its schedule", "momentum_decay", "psi"),
    Symbol(r"\gamma_t", "SWATS: rate of one step", "", "gamma", "", ("OPT",)),
    Symbol(r"\lambda_t", "SWATS: average of these rates", "", "lam"),
    Symbol(r"\Lambda_t", "SWATS: the same without bias", "", "sgd_lr"),
    Symbol(r"m_t", "SWATS: momentum of SGD", "", "buf", "", ("OPT",)),
    Symbol(r"\eta_n", "variance of the gradient noise", "eta"),
    Symbol(r"\xi_t", "standard normal noise", "", "xi"),
    Symbol(r"\rho_\infty", "RAdam: limit of the average's length", "rho_inf"),
    Symbol(r"\rho_t", "RAdam: length of the average", "rho_t"),
    Symbol(r"r_t", "RAdam: rectifier", "rect"),
    Symbol(r"\phi_t", "Lookahead's slow weights", "slow", "", "", ("OPT",)),
    Symbol(r"k", "Lookahead's inner steps", "k", "", "updates", ("OPT",)),
    Symbol(r"\lambda_{wd}", "weight-decay coefficient", "weight_decay"),
    Symbol(r"c", "clipping threshold", "max_norm", "c", "loss/parameter", ("VAN",)),
    Symbol(
        r"\mathrm{tr}\,\Sigma",
        "variance of the gradient of one example",
        "",
        "trace",
        "(loss/parameter)²",
    ),
    Symbol(
        r"B_{simple}", "gradient noise scale", "b_simple, noise_scale", "", "examples"
    ),
    Symbol(r"\rho", "weight of the past in a smoothed loss", "smoothing", "rho"),
    Symbol(r"\zeta", "LARS trust coefficient", "trust", "zeta"),
    Symbol(r"T", "total number of updates", "total", "T", "updates"),
    Symbol(r"T_w", "warm-up", "warmup", "", "updates"),
    Symbol(r"T_0", "first period of SGDR", "t0", "", "updates"),
    Symbol(r"T_{mult}", "factor on the period of SGDR", "t_mult"),
    Symbol(r"\mu_B, \sigma_B^2", "batch mean and biased variance", "", "mean, var"),
    Symbol(
        r"\bar\mu, \bar\sigma^2", "running mean, variance", "running_mean, running_var"
    ),
    Symbol(
        r"\gamma", "gain of a normalization layer", "weight", "gamma", "", ("NORM",)
    ),
    Symbol(r"\beta", "bias of a normalization layer", "bias", "beta", "", ("NORM",)),
    Symbol(r"\epsilon", "constant of a normalization layer", "eps", "", "", ("NORM",)),
    Symbol(r"N, C, H, W, G", "batch, channels, height, width, groups of a tensor"),
    Symbol(r"d", "model width", "d_model", "d", "units", ("LNT",)),
    Symbol(r"T", "sequence length", "seq_len", "T", "tokens", ("LNT",)),
    Symbol(r"h", "attention heads", "heads", "h", "", ("LNT",)),
    Symbol(
        r"Q, K, V",
        "queries, keys, values: what a token asks, offers and hands on",
        "query, key, value",
        "q, k, v",
        "",
        ("LNT",),
    ),
    Symbol(r"S, A", "scores and weights of attention", "", "S, A", "", ("LNT",)),
    Symbol(r"h_t", "state of a recurrent net after step t", "", "h", "", ("NORM",)),
    Symbol(r"T_r", "valid steps of sequence r", "lengths", "", "steps", ("NORM",)),
    Symbol(r"e_j", "embedding of field j", "", "e", "", ("CTR",)),
    Symbol(r"k", "pieces of a maxout unit", "pieces", "k", "", ("VAN",)),
    Symbol(r"p_{drop}", "dropout probability", "p", "", "", ("REG",)),
    Symbol(r"q = 1 - p_{drop}", "keep probability", "", "q", "", ("REG",)),
    Symbol(r"K", "number of folds", "n_folds"),
    Symbol(r"P", "workers", "workers"),
    Symbol(r"\tau_s", "staleness", "delay", "", "updates"),
    Symbol(r"\tau", "delay of every gradient", "tau", "", "updates", ("SCALE",)),
    Symbol(r"\omega", "overlap of examples", "", "omega", "", ("SCALE",)),
    Symbol(r"n_k", "examples of worker k", "", "n_k", "examples", ("SCALE",)),
    Symbol(r"S", "stages of a split model", "stages", "S", "stages", ("SCALE",)),
    Symbol(r"M", "micro-batches", "micro_batches", "M", "", ("SCALE",)),
    Symbol(
        r"\lambda_{L1}, \lambda_{L2}",
        "coefficient of a penalty on the weights",
        "weight",
        "",
        "loss/parameter, loss/parameter²",
        ("REG",),
    ),
    Symbol(r"\vartheta", "soft threshold", "threshold", "", "parameter", ("REG",)),
    Symbol(r"r", "dropout mask: 1 where a unit is kept", "mask", "r", "", ("REG",)),
    Symbol(r"d", "shift of an image", "offset", "d", "pixels", ("REG",)),
    Symbol(r"\varphi", "angle of a turned image", "angle", "phi", "°", ("REG",)),
    Symbol(r"u", "magnification of an image", "factor", "u", "", ("REG",)),
    Symbol(r"m_i", "mask: 1 where a weight is kept", "masks", "m", "", ("SCALE",)),
    Symbol(
        r"\Delta", "step of a quantization grid", "step", "", "parameter", ("SCALE",)
    ),
    Symbol(r"z", "zero point: the code of 0", "zero", "z", "", ("SCALE",)),
    Symbol(r"c_i", "code of a quantized weight", "codes", "c", "", ("SCALE",)),
    Symbol(r"C_k", "shared value of a cluster", "codebook", "C", "", ("SCALE",)),
    Symbol(r"I_i", "cluster of a weight", "indices", "I", "", ("SCALE",)),
    Symbol(r"K", "number of shared values", "n_clusters", "K", "", ("SCALE",)),
    Symbol(r"\sigma_i", "singular value", "", "sigma", "", ("SCALE",)),
    Symbol(r"H", "entropy of a stream of symbols", "entropy", "", "bits", ("SCALE",)),
    Symbol(r"\bar l", "mean length of a code", "mean_length", "", "bits", ("SCALE",)),
    Symbol(r"s", "sparsity: share of zeros", "sparsity, share", "s", "", ("SCALE",)),
    Symbol(r"b", "bits of a number", "bits", "b", "bits", ("SCALE",)),
)


def symbol(identifier: str, *, scope: str = "") -> Symbol:
    r"""Return the symbol that an identifier of the code stands for.

    Args:
        identifier: An argument (``"lr"``) or an equation's name (``"m_hat"``).
        scope: The chapter's id, needed where a letter has several meanings.

    Returns:
        The entry of the table.

    Raises:
        ValueError: If no entry has this name, or several have.

    Example:
        >>> symbol("momentum").latex
        '\\mu'
        >>> symbol("m", scope="GD").meaning
        'movement of SGDM'
    """
    found = [
        entry
        for entry in SYMBOLS
        if identifier in entry.identifiers
        and (not scope or not entry.scope or scope in entry.scope)
    ]
    if len(found) > 1 and scope:
        found = [entry for entry in found if entry.scope] or found
    if len(found) != 1:
        meanings = "; ".join(f"{s.meaning} {s.scope}" for s in found) or "none"
        raise ValueError(
            f"identifier: expected one meaning of {identifier!r} (scope {scope!r}), "
            f"got {meanings}; name a chapter as scope or add the symbol to the table"
        )
    return found[0]
