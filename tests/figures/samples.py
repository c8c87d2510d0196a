"""Figures that use every mark, option and control, on quick synthetic runs."""

# ruff: file-ignore[missing-f-string-syntax] - sentences have fields, which are no f-strings

import numpy as np

from coursekit.diagnosis import diagnose
from coursekit.experiments import norm_bowl, norm_groups
from coursekit.experiments.chain import ACTIVATIONS, GRID, STEPS, chain
from coursekit.experiments.cliff import GRID as WEIGHTS
from coursekit.experiments.cliff import WAYS, cliff, cliff_field
from coursekit.experiments.descent import METHODS, descent, descent_field
from coursekit.experiments.wells import GRID as PLACES
from coursekit.experiments.wells import STEPS as WALK
from coursekit.experiments.wells import valley_field, wells
from coursekit.figures import (
    Array,
    Arrow,
    Branch,
    ClosedForm,
    Cube,
    Dim,
    Dots,
    Figure,
    Heatmap,
    Leaf,
    Lines,
    Path,
    Pick,
    Point,
    Predict,
    Range,
    Ref,
    Ridges,
    Say,
    Scrub,
    Segmented,
    Select,
    Series,
    Slider,
    Surface,
    Toggle,
    Tree,
    provenance,
    seed_arrays,
)

RNG = np.random.default_rng(0)


def batch() -> Figure:
    """Heatmap with ✕, dots and pick; a family of lines; Predict with a reply."""
    budget = Dim("budget", "every run gets", ["15 epochs", "1500 updates"])
    sizes = [4, 8, 16, 32, 64, 128, 256, 1000]
    rates = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0]
    b = Dim("B", "batch size B", sizes, log=True, ordered=True)
    lr = Dim("lr", "learning rate η", rates, log=True, ordered=True)
    t = Dim(
        "t", "share of the budget", range(24), [f"{100 * k // 23} %" for k in range(24)]
    )
    updates = np.array([[15 * 1000 / np.array(sizes)], [np.full(8, 1500)]]).reshape(
        2, 8
    )
    share = (np.arange(24) / 23) ** 1.6
    steps = np.maximum(updates[..., None] * share, 0.9)
    grown = steps[:, :, None] * np.array(rates)[:, None]
    noise = 1 + 0.15 * RNG.random((2, 8, 9, 5, 24))
    loss = 2.3 * np.exp(-((grown / 4) ** 0.6))[:, :, :, None] * noise + 1e-4
    limit = np.array(rates)[None, :] > 0.4 * np.array(sizes)[:, None] ** 0.35
    loss[:, limit, :, 3:] = np.nan
    acc = 0.97 - 0.35 * np.minimum(loss, 2.4)
    last = np.nanmedian(np.nan_to_num(acc[..., -1], nan=-1), 3)
    good = last >= last.max(2, keepdims=True) - 0.02
    dims = ["budget", "B", "lr", "t"]
    cube = Cube(
        [budget, b, lr, t],
        {
            **seed_arrays("loss", loss, dims, 3, log=True),
            **seed_arrays("acc", acc, dims, 3),
            "updates": Array(steps, ["budget", "B", "t"], "i16log"),
            "good": Array(good, ["budget", "B", "lr"], "u8x"),
        },
        provenance("make figures", 5) | {"what": "720 synthetic runs"},
    )
    return Figure(
        "batch-budget",
        "Is a small batch better, or does it just get more updates?",
        cube,
        panels=[
            Heatmap(
                x="B",
                y="lr",
                z="acc",
                pick=True,
                dots="good",
                show=".2f",
                zlabel="test accuracy",
                linked=["B"],
                dots_label="as good as the best of its column",
                alt="Accuracy falls with B at equal epochs.",
            ),
            Lines(
                x="updates",
                y="loss",
                over="B",
                cursor="t",
                xlog=True,
                ylog=True,
                ylim=(1e-3, 3.5),
                ylabel="training loss (range of 5 seeds)",
                lead="B = ",
                xlim=(1, 4000),
                linked="B",
                pick=True,
            ),
        ],
        controls=[Segmented("budget"), Slider("B"), Slider("lr"), Scrub("t")],
        start={"budget": "15 epochs", "B": 256, "lr": 0.02, "t": "100 %"},
        predict=Predict(
            "Give every run 1500 updates: which column changes most?",
            ["B = 4", "B = 1000", "none"],
            answer="B = 1000",
            reply="It goes to {acc[B=1000]:.1%}.",
            when={"budget": "1500 updates", "lr": 0.02},
        ),
        says=[
            Say(
                "B = {B}, η = {lr}: {loss_div:d} of {seeds} seeds diverged.",
                when=lambda s: s.loss_div >= 3,
            ),
            Say(
                "B = {B}, η = {lr}: after {updates:d} updates, at {t} of the budget, "
                "test accuracy {acc:.1%}. So this is unfinished optimization.",
                when=lambda s: s.budget == "15 epochs",
            ),
            Say("B = {B}, η = {lr}: {acc:.1%} after {updates:d} updates."),
        ],
        alt="At equal epochs accuracy falls as B grows; at equal updates it is level.",
        claims=["E-6"],
        caption="Accuracy of 720 nets. Shaded: the range of five seeds.",
    )


def init() -> Figure:
    """Ridges and two named series; named stops; panels linked by layer."""
    act = Dim("act", "activation", ["tanh", "ReLU", "sigmoid"])
    gains = [round(0.25 * 2 ** (k / 4), 4) for k in range(17)]
    gain = Dim("gain", "weight std · √n_in", gains, [f"{g:.2f}" for g in gains])
    step = Dim("step", "training step", [0, 10, 30, 100, 300], unit="updates")
    layer = Dim("layer", "layer", range(1, 13))
    centres = np.linspace(-4, 1.5, 24).round(3)
    bins = Dim("bin", "log₁₀ |activation|", centres)
    factor = np.array([0.9, 0.707, 0.25])[:, None, None] * np.array(gains)[:, None]
    factor = factor * np.array([1, 1.01, 1.03, 1.05, 1.06])
    depth = np.arange(12)
    sa = 0.5 * factor[..., None] ** depth * 1.0
    sd = 1e-2 * factor[..., None] ** (11 - depth)
    seeds = np.exp(0.1 * RNG.normal(size=(3, 17, 5, 5, 12)))
    where = np.log10(np.clip(sa, 1e-4, 30))[..., None]
    hist = np.exp(-(((centres - where) / 0.45) ** 2)) * 900
    dims = ["act", "gain", "step", "layer"]
    cube = Cube(
        [act, gain, step, layer, bins],
        {
            **seed_arrays("sa", sa[:, :, :, None] * seeds, dims, 3, log=True),
            **seed_arrays("sd", sd[:, :, :, None] * seeds[::-1], dims, 3, log=True),
            "hist": Array(hist, [*dims, "bin"], "u8"),
            "factor": Array(factor, dims[:3]),
        },
        provenance("make figures", 5),
    )
    return Figure(
        "init-scale",
        "How large should the first weights be?",
        cube,
        panels=[
            Ridges(hist="hist", over="layer", bins="bin", linked="layer"),
            Lines(
                x="layer",
                y=[
                    Series("sa", "activation a", colour="blue"),
                    Series("sd", "signal δ", colour="vermillion"),
                ],
                ylog=True,
                ylim=(1e-6, 1e3),
                linked="layer",
                ylabel="standard deviation (range of 5 seeds)",
                refs=[Ref("size 1", y=1.0)],
            ),
        ],
        controls=[
            Segmented("act"),
            Slider("gain", stops={"U(±1/√n)": 0.5946, "LeCun": 1.0, "He": 1.4142}),
            Scrub("step"),
        ],
        start={"act": "ReLU", "gain": 1.0, "step": 0},
        says=[
            Say(
                "Each layer multiplies δ by {factor:.2f}: over the net it changes from "
                "{sd[layer=last]} to {sd[layer=first]}. It vanishes.",
                when=lambda s: s.factor < 0.85,
            ),
            Say(
                "δ grows by {factor:.2f} a layer: it explodes.",
                when=lambda s: s.factor > 1.18,
            ),
            Say(
                "δ keeps its size ({factor:.2f} a layer): this scale passes both ways."
            ),
        ],
        alt="With ReLU, LeCun's scale loses 30 % a layer, He's none.",
    )


def momentum() -> Figure:
    """A closed form: a draggable start, stops that move, settings behind a fold."""
    t = Dim("t", "update", range(101))
    model = ClosedForm(
        "descent",
        dims=[
            Dim("method", "method", METHODS),
            Range("kappa", "condition number κ", 1, 300, log=True),
            Range("rate", "learning rate × λ_max", 0.05, 4.2, step=0.01),
            Range("mu", "momentum μ", 0, 0.99, step=0.01),
            Range("x0", "start θ₁", -2.2, 2.2, step=0.1),
            Range("y0", "start θ₂", -2.2, 2.2, step=0.1),
            t,
        ],
        twin=descent,
        outputs={
            "px": ["t"],
            "py": ["t"],
            "loss": ["t"],
            "rho": [],
            "steep": [],
            "flat": [],
            "best": [],
            "heavy": [],
            "reached": [],
            "grows": [],
            "slow": [],
        },
        field=descent_field,
    )
    return Figure(
        "gd-momentum",
        "When does momentum help, and when does it hurt?",
        model,
        panels=[
            Surface(
                xlim=(-2.4, 2.4),
                ylim=(-2.4, 2.4),
                xlabel="θ₁ (steep)",
                ylabel="θ₂ (flat)",
                path=Path("px", "py"),
                cursor="t",
                start=("x0", "y0"),
                points=[Point(0, 0, "minimum")],
                alt="Momentum damps the zig-zag of an ill-conditioned valley.",
            ),
            Lines(
                x="t",
                y="loss",
                ylog=True,
                ylim=(1e-10, 1e3),
                cursor="t",
                ylabel="loss",
                xlabel="updates",
                pick=True,
            ),
        ],
        controls=[
            Segmented("method"),
            Slider("kappa"),
            Slider(
                "rate", stops={"best for GD": "best", "best for heavy ball": "heavy"}
            ),
            Slider("mu"),
            Slider("x0", more=True),
            Slider("y0", more=True),
            Scrub("t"),
        ],
        start={
            "method": "momentum",
            "kappa": 30,
            "rate": 1,
            "mu": 0.7,
            "x0": 1.2,
            "y0": -2,
            "t": 100,
        },
        predict=Predict(
            "Set μ = 0.9 and κ = 1. Does momentum still help?", ["yes", "no"]
        ),
        says=[
            Say(
                "Grows by {rho:.3f} an update; the steep direction sets the limit "
                "(steep {steep:.3f}, flat {flat:.3f}).",
                when="grows",
            ),
            Say(
                "Not there after 100 updates: the error shrinks by {rho:.4f} an update "
                "(steep {steep:.3f}, flat {flat:.3f}).",
                when="slow",
            ),
            Say(
                "The loss falls 10⁻⁴-fold in {reached:d} updates; factor {rho:.3f} an "
                "update (steep {steep:.3f}, flat {flat:.3f})."
            ),
        ],
        alt="Momentum damps the zig-zag of an ill-conditioned valley.",
    )


TREE = Branch(
    "Is the training loss above the tolerance?",
    {
        "yes": Branch(
            "Has a smaller model been trained?",
            {
                "no": Leaf("Bias or optimization: train a smaller model"),
                "yes": Branch(
                    "Does the smaller model train better?",
                    {
                        "yes": Leaf("Optimization: change how you train"),
                        "no": Leaf("Bias: widen the class"),
                    },
                ),
            },
        ),
        "no": Branch(
            "Is the test loss higher by more than the tolerance?",
            {"yes": Leaf("Overfitting or mismatch"), "no": Leaf("Done")},
        ),
    },
)
LEAVES = {
    "bias or optimization": ("open", 2),
    "optimization": ("optimization", 4),
    "bias": ("bias", 5),
    "overfitting or mismatch": ("gap", 7),
    "done": ("done", 8),
}


def diagnosis_twin(train, smaller, measured, test, tolerance):
    known = smaller if measured == "measured" else None
    name, node = LEAVES[str(diagnose(train, test, known, tol=tolerance))]
    flags = {flag: int(flag == name) for flag, _ in LEAVES.values()}
    losses = [train, np.nan if known is None else known, test]
    return {"node": node, "losses": losses, **flags}


def disease() -> Figure:
    """Tree and Dots with a shaded range; a toggle; a category without a value."""
    model = ClosedForm(
        "diagnose",
        dims=[
            Range("train", "training loss", 0, 2.5, step=0.05),
            Range("smaller", "training loss of a smaller model", 0, 2.5, step=0.05),
            Dim("measured", "smaller model", ["not measured", "measured"]),
            Range("test", "test loss", 0, 2.5, step=0.05),
            Range("tolerance", "tolerance", 0.01, 0.5, step=0.01),
            Dim("which", "loss", ["training", "smaller model", "test"]),
        ],
        twin=diagnosis_twin,
        outputs={"node": [], "losses": ["which"]}
        | {flag: [] for flag, _ in LEAVES.values()},
    )
    return Figure(
        "bias-tree",
        "One loss is high. What does it mean?",
        model,
        panels=[
            Tree(root=TREE, active="node", title="Four questions"),
            Dots(
                over="which",
                value="losses",
                xlim=(0, 2.5),
                xlabel="loss",
                show=".2f",
                shade=(0, "tolerance"),
                shade_label="low",
                zero=True,
                height=220,
            ),
        ],
        controls=[
            Slider("train"),
            Toggle("measured"),
            Slider("smaller"),
            Slider("test"),
            Slider("tolerance", more=True),
        ],
        start={
            "train": 0.9,
            "smaller": 0.3,
            "measured": "not measured",
            "test": 1.0,
            "tolerance": 0.1,
        },
        says=[
            Say(
                "{train:.2f} is high, but one model cannot tell bias from "
                "optimization: train a smaller one.",
                when="open",
            ),
            Say(
                "The larger class contains the smaller, yet trains worse "
                "({train:.2f} against {smaller:.2f}): optimization.",
                when="optimization",
            ),
            Say("No model does better: bias; widen the class.", when="bias"),
            Say(
                "Test loss {test:.2f} against {train:.2f}: overfitting or mismatch.",
                when="gap",
            ),
            Say("Both losses are low: done."),
        ],
        alt="A high training loss alone leaves two diagnoses open.",
    )


def norms() -> Figure:
    """Facets of a signed tensor with a group, changed cells, and Pick."""
    image = Dim("image", "image", [1, 2, 3, 4])
    channel = Dim("channel", "channel", [f"c{k}" for k in range(1, 9)])
    place = Dim("place", "place", range(1, 9))
    norm = Dim("norm", "normalization", ["BN", "LN", "IN"])
    other = Dim("other", "image 4", ["as it was", "replaced"])
    values = (
        RNG.normal(size=(3, 2, 4, 8, 8))
        * np.array([1, 2, 0.5])[:, None, None, None, None]
    )
    i, c, p = np.ogrid[:4, :8, :8]
    shape = (3, 4, 8, 4, 8, 8)
    group = np.zeros(shape)
    for a in range(4):
        for b in range(8):
            group[0, a, b] = (c == b) & (i >= 0) & (p >= 0)
            group[1, a, b] = (i == a) & (c >= 0) & (p >= 0)
            group[2, a, b] = (i == a) & (c == b) & (p >= 0)
    # The group of a picked cell is open in the cell's own dims, so they have twins.
    picked = [
        Dim("pimage", "image", [1, 2, 3, 4]),
        Dim("pchannel", "channel", channel.values),
    ]
    changed = np.zeros((3, 2, 4, 8, 8))
    changed[0, 1] = 1
    changed[1:, 1, 3] = 1
    dims = ["norm", "other", "image", "channel", "place"]
    cube = Cube(
        [norm, other, image, channel, place, *picked],
        {
            "value": Array(values, dims, "u8lin"),
            "group": Array(group, ["norm", "pimage", "pchannel", *dims[2:]], "u8x"),
            "changed": Array(changed, dims, "u8x"),
        },
        provenance("make figures"),
    )
    return Figure(
        "norm-groups",
        "Which numbers share a mean?",
        cube,
        panels=[
            Heatmap(
                x="place",
                y="channel",
                z="value",
                facet="image",
                ramp="signed",
                group="group",
                group_label="share a mean with the picked cell",
                changed="changed",
                wide=True,
                height=230,
            ),
        ],
        controls=[
            Segmented("norm"),
            Pick("pimage", "pchannel", label="cell"),
            Toggle("other"),
        ],
        start={
            "norm": "BN",
            "pimage": 1,
            "pchannel": "c3",
            "other": "as it was",
        },
        says=[
            Say(
                "{norm}: replacing image 4 changes all images.",
                when=lambda s: s.norm == "BN" and s.other == "replaced",
            ),
            Say("{norm}: only image 4 changes.", when=lambda s: s.other == "replaced"),
            Say(
                "{norm}: the mean of image {pimage}, channel {pchannel} is shared by "
                "the outlined numbers."
            ),
        ],
        alt="BN groups across examples, LN across features of one.",
    )


def ranks() -> Figure:
    """Dots with seeds, intervals and verdicts; points to pick; many seeds; Select."""
    task = Dim("task", "task", ["position", "MLP", "numerical"])
    norm = Dim("norm", "norm", ["BN", "LN", "VO-LN", "RMSNorm", "none"])
    seed = Dim("seed", "seed", range(1, 17))
    point = Dim("point", "critical point", range(1, 31))
    t = Dim("t", "epoch", range(1, 31))
    shift = np.array([[0.02, -0.01, 0.0, 0.03, 0.0]] * 3) * [[1], [0.4], [-1]]
    runs = shift[..., None] + 0.012 * RNG.normal(size=(3, 5, 16))
    mean, half = runs.mean(-1), 2.13 * runs.std(-1, ddof=1) / 4
    verdict = np.where(np.abs(mean) < half, 2, np.where(mean > 0, 0, 1))
    ratio = np.sort(RNG.random((3, 30)))
    height = 1.6 * (1 - ratio) + 0.1 * RNG.random((3, 30))
    curves = np.exp(-np.arange(1, 31) / 9)[None, :, None] * (
        1 + 0.3 * RNG.random((3, 30, 16))
    )
    cube = Cube(
        [task, norm, seed, point, t],
        {
            "gap": Array(mean, ["task", "norm"]),
            "gap_seed": Array(runs, ["task", "norm", "seed"]),
            "low": Array(mean - half, ["task", "norm"]),
            "high": Array(mean + half, ["task", "norm"]),
            "verdict": Array(verdict, ["task", "norm"], "u8x"),
            "ratio": Array(ratio, ["task", "point"]),
            "height": Array(height, ["task", "point"]),
            **seed_arrays("loss", curves, ["task", "t"], 2),
            "theory": Array(np.exp(-np.arange(1, 31) / 9), ["t"]),
        },
        provenance("make figures", 16),
    )
    return Figure(
        "ctr-ranks",
        "How many seeds before you believe a ranking?",
        cube,
        panels=[
            Dots(
                over="norm",
                value="gap",
                seeds="gap_seed",
                seed_dim="seed",
                low="low",
                high="high",
                verdict="verdict",
                zero=True,
                xlabel="AUC minus none",
                pick=True,
                wide=True,
                height=250,
            ),
            Lines(
                x="ratio",
                y="height",
                along="point",
                points=True,
                pick=True,
                xlabel="minimum ratio",
                ylabel="loss",
            ),
            Lines(
                x="t",
                y=[Series("loss", "measured")],
                ylabel="loss",
                refs=[Ref("theory", curve="theory"), Ref("half", x=9)],
            ),
        ],
        controls=[Select("task"), Select("norm"), Slider("point")],
        start={"task": "MLP", "norm": "BN", "point": 10},
        says=[
            Say(
                "{norm} on {task}: {gap:+.3f} [{low:+.3f}, {high:+.3f}]; point {point} "
                "has loss {height} at ratio {ratio:.2f}."
            ),
        ],
        alt="With four seeds the ranking is not determined.",
    )


def saddle() -> Figure:
    """A stored surface with paths in facets, arrows, points, and a field by name."""
    side = np.linspace(-2, 2, 33).round(4)
    gx, gy = Dim("gx", "x", side), Dim("gy", "y", side)
    t = Dim("t", "update", range(40))
    noise = Dim("noise", "noise σ", [0, 0.01])
    x, y = side[None, :], side[:, None]
    runs = np.zeros((2, 40, 2))
    runs[:, 0] = [1.5, 1e-3]
    for k in range(39):
        grad = np.stack([runs[:, k, 0], -runs[:, k, 1] + runs[:, k, 1] ** 3], -1)
        runs[:, k + 1] = runs[:, k] - 0.25 * grad + [[0, 0], [0, 0.01]]
    cube = Cube(
        [gx, gy, t, noise],
        {
            "f": Array((x * x - y * y) / 2 + y**4 / 4, ["gy", "gx"]),
            "px": Array(runs[..., 0], ["noise", "t"]),
            "py": Array(runs[..., 1], ["noise", "t"]),
            "away": Array(runs[..., 1] > 0.5, ["noise", "t"], "u8x"),
        },
        provenance("make figures", 1),
    )
    return Figure(
        "crit-saddle",
        "How long does descent wait at a saddle?",
        cube,
        panels=[
            Surface(
                field="f",
                x="gx",
                y="gy",
                path=Path("px", "py", colour="vermillion"),
                cursor="t",
                facet="noise",
                points=[Point(0, 0, "saddle")],
                wide=True,
                arrows=[Arrow(1.5, -1.5, 0.6, -1.6, "downhill", "green")],
            ),
        ],
        controls=[Scrub("t")],
        start={"t": 39},
        says=[
            Say(
                "At update {t} both have left.",
                when=lambda s: s.at("away", noise=0) and s.at("away", noise=0.01),
            ),
            Say(
                "At update {t} the noisy run is at y = {py[noise=0.01]:.2f}, the other "
                "at {py[noise=0]:.2f}."
            ),
        ],
        alt="Noise ends the wait at a saddle.",
    )


def factors() -> Figure:
    """A closed form with two families of places and settings that are stored."""
    scalars = ("here", "slope", "factor", "total", "off", "level", "grows", "flat")
    model = ClosedForm(
        "chain",
        dims=[
            Dim("activation", "activation", ACTIVATIONS),
            Range("z", "pre-activation z", -6, 6, step=0.1),
            Range("weight", "weight w", 0.1, 6, step=0.05),
            Dim("depth", "layers", [2, 5, 10, 20, 40, 60], ordered=True),
            Dim("at", "z", GRID),
            Dim("back", "layers back", range(STEPS + 1)),
        ],
        twin=chain,
        outputs={"curve": ["at"], "delta": ["back"], "bare": ["back"]}
        | {name: [] for name in scalars},
    )
    return Figure(
        "van-product",
        "A product of factors: where does it go?",
        model,
        panels=[
            Lines(
                x="at",
                y="curve",
                refs=[Ref("z", x="here")],
                ylim=(0, 1.1),
                xlabel="z",
            ),
            Lines(x="back", y=["delta", "bare"], ylog=True, ylim=(1e-20, 1e20)),
        ],
        controls=[
            Segmented("activation"),
            Slider("z"),
            Slider("weight"),
            Slider("depth"),
        ],
        start={"activation": "sigmoid", "z": 0, "weight": 1, "depth": 10},
        says=[
            Say("Off: nothing passes.", when="off"),
            Say("Each layer leaves {factor:.3g}, {depth} layers {total:.2g}."),
        ],
        alt="Factors below one vanish, above one explode.",
    )


def edge() -> Figure:
    """A closed form with a field, arrows by name, and lines at computed places."""
    lines = ("w0", "w1", "h1", "before", "after", "norm", "moved", "angle")
    tips = tuple(a + b for a in "ru" for b in "xywh")
    flags = ("free", "idle", "turned", "away", "over")
    model = ClosedForm(
        "cliff",
        dims=[
            Range("w", "weight w", 0.8, 1.2, step=0.005),
            Range("h0", "first state h₀", 0.02, 0.4, step=0.02),
            Dim("T", "steps T", [5, 10, 20, 50], ordered=True),
            Range("rate", "learning rate", 1e-3, 1, log=True),
            Dim("way", "clip", WAYS),
            Range("bound", "threshold c", 0.01, 10, log=True),
            Dim("at", "w", WEIGHTS),
        ],
        twin=cliff,
        field=cliff_field,
        outputs={"curve": ["at"]} | {name: [] for name in lines + tips + flags},
    )
    return Figure(
        "van-cliff",
        "What happens one step past the cliff?",
        model,
        panels=[
            Lines(
                x="at",
                y="curve",
                ylog=True,
                ylim=(1e-6, 1e8),
                refs=[Ref("before", x="w0"), Ref("after", x="w1")],
            ),
            Surface(
                xlim=(0.8, 1.2),
                ylim=(-0.1, 0.5),
                xlabel="w",
                ylabel="h₀",
                arrows=[
                    Arrow("rw", "rh", "rx", "ry", "−g", "blue"),
                    Arrow("uw", "uh", "ux", "uy", "step"),
                ],
            ),
        ],
        controls=[
            Segmented("way"),
            Slider("w"),
            Slider("T"),
            Slider("rate", more=True),
            Slider("bound", more=True),
            Slider("h0", more=True),
        ],
        start={
            "w": 1.1,
            "h0": 0.1,
            "T": 50,
            "rate": 0.01,
            "way": "none",
            "bound": 1,
        },
        says=[
            Say("The loss after the step is beyond a double.", when="over"),
            Say("From w = {w0:.3f} to {w1:.4g}, loss {after:.3g}."),
        ],
        alt="An unclipped step leaves the region, a clipped one does not.",
    )


def valleys() -> Figure:
    """A closed form with a walk of its own noise and a field of two other axes."""
    scalars = (
        "narrow",
        "wide",
        "w1",
        "w2",
        "sharp",
        "left",
        "shifted",
        "moved",
        "gone",
    )
    model = ClosedForm(
        "wells",
        dims=[
            Range("shift", "shift", 0, 0.5, step=0.02),
            Range("ratio", "curvature ratio R", 2, 50, log=True),
            Range("place", "place a", 0.2, 10, log=True),
            Range("noise", "noise η/B", 2e-4, 5e-3, log=True),
            Dim("at", "x", PLACES),
            Dim("t", "updates", range(WALK + 1)),
        ],
        twin=wells,
        field=valley_field,
        outputs={"train": ["at"], "test": ["at"], "x": ["t"]}
        | {name: [] for name in scalars},
    )
    return Figure(
        "batch-wells",
        "Which well survives a shift?",
        model,
        panels=[
            Lines(x="at", y=["train", "test"], ylim=(0, 3), xlabel="x"),
            Surface(
                xlim=(0, 11),
                ylim=(0, 11),
                xlabel="w₁",
                ylabel="w₂",
                points=[Point("w1", "w2", "a")],
            ),
            Lines(x="t", y="x", ylim=(-3, 3), xlabel="updates"),
        ],
        controls=[
            Slider("shift"),
            Slider("ratio"),
            Slider("place"),
            Slider("noise"),
        ],
        start={"shift": 0.2, "ratio": 50, "place": 1, "noise": 1e-3},
        says=[
            Say("The walk left at update {left:.0f}.", when="gone"),
            Say("The narrow well loses {narrow:.2f}, the wide one {wide:.2f}."),
        ],
        alt="A shift hurts the narrow well more.",
    )


def bowls() -> Figure:
    """Facets of a surface over a setting that a closed form is called with."""
    how = Dim("how", "treatment", norm_bowl.TREATMENTS)
    t = Dim("t", "update", range(norm_bowl.STEPS + 1))
    losses = [f"loss_{way}" for way in norm_bowl.TREATMENTS]
    model = ClosedForm(
        "bowl",
        dims=[
            how,
            Range("ratio", "scale ratio", 1, 100, log=True),
            Range("offset", "offset", 0, 5, step=0.1),
            Range("rho", "correlation", 0, 0.95, step=0.01),
            Dim("which", "eigenvalue", [1, 2, 3], ordered=True),
            Dim("walk", "updates", range(norm_bowl.WALK + 1)),
            t,
        ],
        twin=norm_bowl.bowl,
        outputs={"px": ["walk"], "py": ["walk"]}
        | {name: ["t"] for name in losses}
        | {"eigenvalue": ["which"], "kappa": [], "updates": [], "round": []},
        field=norm_bowl.bowl_field,
    )
    return Figure(
        "norm-bowl",
        "What does scaling the inputs do to the bowl?",
        model,
        panels=[
            Surface(
                xlim=(-1.5, 1.5),
                ylim=(-1.5, 1.5),
                facet="how",
                path=Path("px", "py"),
                cursor="walk",
                xlabel="w₁",
                ylabel="w₂",
            ),
            Lines(x="t", y=[Series(y, y) for y in losses], ylog=True, ylim=(1e-8, 1)),
        ],
        controls=[Segmented("how"), Slider("ratio"), Slider("offset"), Slider("rho")],
        start={"how": "none", "ratio": 10, "offset": 0, "rho": 0.9},
        says=[
            Say("{how}: round, one update.", when="round"),
            Say("{how}: κ = {kappa:.3g}, {updates:.3g} updates."),
        ],
        alt="Standardising removes units, whitening correlations too.",
    )


def cells() -> Figure:
    """Pick a cell of one facet; a closed form outlines what belongs to it."""
    sizes = dict(zip(("image", "channel", "position"), norm_groups.SHAPE, strict=True))
    axes = [Dim(n, n, range(1, k + 1)) for n, k in sizes.items()]
    picked = [Dim(f"at_{n}", n, range(1, k + 1)) for n, k in sizes.items()]
    kind = Dim("kind", "norm", list(norm_groups.KINDS))
    values = np.cos(np.arange(512.0)).reshape(norm_groups.SHAPE)
    cube = Cube(
        [*axes, *picked],
        {
            "value": Array(values, list(sizes), "u8lin"),
            "input": Array(values + 1, [f"at_{n}" for n in sizes], "u8lin"),
        },
        provenance("make figures"),
    )
    model = ClosedForm(
        "shares",
        dims=[kind, *picked, *axes],
        twin=norm_groups.shares,
        outputs={"shares": list(sizes)},
    )
    at = {"x": "at_position", "y": "at_channel", "facet": "at_image"}
    return Figure(
        "norm-cells",
        "Whose mean is it?",
        cube,
        model=model,
        panels=[
            Heatmap(**at, z="input", pick=True, alt="Before the norm."),
            Heatmap(
                x="position", y="channel", facet="image", z="value", group="shares"
            ),
        ],
        controls=[
            Segmented("kind"),
            Pick("at_image", "at_channel", "at_position", label="cell"),
        ],
        start={"kind": "BN", "at_image": 2, "at_channel": 3, "at_position": 6},
        says=[Say("{kind}.")],
        alt="Batch norm takes its mean across images.",
    )


ALL = (
    batch,
    init,
    momentum,
    disease,
    norms,
    ranks,
    saddle,
    factors,
    edge,
    valleys,
    bowls,
    cells,
)
