r"""The last task of each lab: open, without points, raced against the chapter's nets.

What the notebook defines goes to the function of the same name as the task in
`coursekit.experiments.open_tasks`, which trains; here stands what is shown of it.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["OPEN", "Open"]


@dataclass(frozen=True)
class Open:
    """Describe an open task.

    Args:
        task: Name of the function that trains.
        title: What is to be done, in a few words.
        names: What the notebook defines, in the order of the arguments.
        given: The cell as it is handed out, with an example.
        where: What is said of the last point, ``{x:g}`` being its place.
        axis: Name of the horizontal axis.
        setting: What was trained, in a sentence or two.
        sizes: Whether the horizontal axis is the logarithm of a size to the base 2.
    """

    task: str
    title: str
    names: tuple[str, ...]
    given: str
    where: str
    axis: str
    setting: str
    sizes: bool = False


NET = '''\
def my_net(layers):
    """Return a net of `layers` linear maps for 64 inputs and 10 classes."""
    return ResidualMLP(64, 32, (layers - 2) // 2, 10, branch_scale=0.2)
'''
PLAN = '''\
my_batch = 64


def my_lr(t, T):
    """Return the learning rate of update t of T."""
    return 0.2 * min(1, 10 * t / T) * math.cos(math.pi / 2 * t / T)
'''
PHI = '''\
def my_phi(z):
    """Return the activation of z."""
    return torch.tanh(z)


def my_slope(z):
    """Return the derivative of my_phi at z."""
    return 1 - torch.tanh(z) ** 2
'''
STD = '''\
def my_std(shape, layer, depth):
    """Return the standard deviation of the weight [out, in] of a layer."""
    d_out, d_in = shape
    return math.sqrt(2 / d_in)
'''
NORM = '''\
def my_norm(x, gamma, beta):
    """Return the normalized x, of the same shape."""
    return gamma * x / (x.square().mean(1, keepdim=True) + EPS).sqrt() + beta
'''

OPEN = {
    "01_bias": Open(
        "depth",
        "A cure of your own",
        ("my_net",),
        NET,
        "After {x:g} updates",
        "update",
        "Nets of 56 linear maps on digits, SGD at rate 0.01 with momentum 0.9, one "
        "seed.",
    ),
    "04_batch_size": Open(
        "budget",
        "Spend a budget",
        ("my_batch", "my_lr"),
        PLAN,
        "After {x:.0f} thousand examples",
        "thousand examples",
        "Each plan looks at 14 000 digits; shown is the median of three seeds.",
    ),
    "10_vanishing_gradients": Open(
        "activation",
        "An activation of your own",
        ("my_phi", "my_slope"),
        PHI,
        "After {x:g} updates",
        "update",
        "Nets of 32 layers on digits, yours with gain 1, plain SGD at rate 0.05, one "
        "seed, and fewer updates than in the notebook.",
    ),
    "11_initialization": Open(
        "scale",
        "A rule of your own",
        ("my_std",),
        STD,
        "After {x:g} updates",
        "update",
        "ReLU nets of 20 layers on digits, plain SGD at rate 0.01, one seed, and half "
        "the updates of the notebook.",
    ),
    "12_normalization": Open(
        "norm",
        "A normalization of your own",
        ("my_norm",),
        NORM,
        "On batches of {x:g}",
        "batch size",
        "ReLU nets of 8 layers on digits after 60 updates at rate 0.03, one seed; the "
        "notebook makes 100 updates from three.",
        sizes=True,
    ),
}
