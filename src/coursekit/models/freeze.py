r"""Keep the first layers of a trained net as they are, and train the rest.

.. math::

    \theta &= (\theta_{\mathrm{frozen}}, \theta_{\mathrm{free}}) \\
    \theta_{\mathrm{free}} &\leftarrow \theta_{\mathrm{free}} - \Delta

The first layers of a net compute features that serve related tasks too. With
few examples of a new task, training only what stands behind them leaves less
to overfit. For an unrelated task those features are a handicap.

A batch norm has two kinds of memory. Its gain and bias are parameters; its
running mean and variance are *not*: they follow every batch that passes in
training mode, whether or not a gradient does. A frozen net whose norms are left
in training mode therefore forgets, silently. ``freeze_until`` keeps them in
evaluation mode, also when ``model.train()`` is called later.
"""

from collections.abc import Iterable

from torch import nn

from .._validate import check_count

__all__ = ["FreeParameters", "freeze_until"]


class FreeParameters(list[nn.Parameter]):
    """Hold the parameters left to train, and what is needed to thaw the others.

    It is a list, to be handed to an optimizer.

    Attributes:
        frozen: The parameters that were trainable before.
        norms: The norm layers that are kept in evaluation mode, with the mode
            they had before.
    """

    def __init__(self, free: Iterable[nn.Parameter]) -> None:
        super().__init__(free)
        self.frozen: list[nn.Parameter] = []
        self.norms: list[tuple[nn.Module, bool]] = []

    def undo(self) -> None:
        """Make trainable again what was before, and release the norms.

        Running averages stay what they are; a second call does nothing.
        """
        for p in self.frozen:
            p.requires_grad_(True)
        for norm, training in self.norms:
            del norm.train
            norm.train(training)
        self.frozen, self.norms = [], []


class _StaysInEval:
    """Stand in for the ``train`` method of one module and change nothing.

    An object and not a closure, so that copies and pickles of a model keep it.
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module

    def __call__(self, mode: bool = True) -> nn.Module:
        return self.module


def freeze_until(model: nn.Module, until: str | int) -> FreeParameters:
    r"""Freeze everything in front of a part of the model, in place.

    Args:
        model: A module that lists its parts in the order of its forward pass,
            as those of ``coursekit.models`` do.
        until: The first part that stays trainable: its name in
            ``model.named_modules()`` (``"head"``, ``"blocks.2"``), or its
            position among ``model.children()``, from the end if negative.

    Returns:
        The trainable parameters of the model, as a list that an optimizer
        takes; its method ``undo()`` thaws what this call has frozen.

    Raises:
        ValueError: If there is no such part, nothing is left to train, or a
            frozen and a free part share a parameter.
        TypeError: If ``until`` is neither a name nor a position.

    Example:
        >>> from coursekit.models import MLP
        >>> model = MLP([4, 8, 8, 2], norm=nn.BatchNorm1d)
        >>> free = freeze_until(model, "linear3")
        >>> [name for name, p in model.named_parameters() if p.requires_grad]
        ['linear3.weight', 'linear3.bias']
        >>> model.train().norm1.training
        False
        >>> free.undo()
        >>> model.norm1.training
        True

    Notes:
        What was frozen before stays frozen: to free a model layer by layer, call
        ``undo()`` and freeze less. Parameters that a container of the part owns
        itself stay trainable. Dropout in the frozen part keeps to
        ``model.train()`` and ``model.eval()``.

    References:
        Yosinski, Clune, Bengio, Lipson (2014), How transferable are features in
        deep neural networks?, arXiv 1411.1792.
    """
    first = _name(model, until)
    front, rest = _split(model, first)
    held = {id(p) for module in front for p in module.parameters(recurse=False)}
    own = [p for module in rest for p in module.parameters(recurse=False)]
    free = FreeParameters(
        p for p in model.parameters() if p.requires_grad and id(p) not in held
    )
    tied = [p for p in own if p.requires_grad and id(p) in held]
    if tied or not free:
        raise ValueError(
            f"until: expected trainable parameters from {first!r} on that no part in "
            f"front of it shares, got {len(free)}, and {len(tied)} shared; a tied "
            "weight is frozen in both places or in none"
        )
    free.frozen = [p for p in model.parameters() if p.requires_grad and id(p) in held]
    for p in free.frozen:
        p.requires_grad_(False)
    for module in front:
        if _remembers(module) and "train" not in vars(module):
            free.norms.append((module, module.training))
            module.eval()
            module.train = _StaysInEval(module)  # type: ignore[method-assign]
    return free


def _name(model: nn.Module, until: str | int) -> str:
    if isinstance(until, str):
        if until and until in dict(model.named_modules()):
            return until
        known = ", ".join(name for name, _ in model.named_children())
        raise ValueError(
            f"until: expected the name of a part, got {until!r}; they are {known}, and "
            "the parts of these"
        )
    children = [name for name, _ in model.named_children()]
    index = check_count("until", until, least=-len(children), hint="a name or position")
    if index >= len(children):
        raise ValueError(
            f"until: expected a position below {len(children)}, got {index}; the "
            f"children are {', '.join(children)}"
        )
    return children[index]


def _split(model: nn.Module, first: str) -> tuple[list[nn.Module], list[nn.Module]]:
    front, rest = [], []
    reached = False
    for name, module in model.named_modules(remove_duplicate=False):
        reached = reached or name == first
        contains = not name or first.startswith(f"{name}.")
        (rest if reached or contains else front).append(module)
    return front, rest


def _remembers(module: nn.Module) -> bool:
    return getattr(module, "running_mean", None) is not None
