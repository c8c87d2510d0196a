r"""Read one setting: what goes to the model, to the optimizer and to the data.

A setting is a flat dictionary, because that is how it is written and shown.
Each of its words has exactly one reader: a word of the run itself (``seed``,
``optimizer``, ``schedule``, ``init``, ``gain``, ``batch_size``, ``n_train``,
``label_noise``, ``clip_norm``, ``clip_value``, ``gradient_noise``, ``lookahead``,
``weight_decay``), a keyword of
the model's factory (``depth``, ``width``, ``norm``, ``activation``, ...) or a
hyperparameter of the optimizer (``lr``, ``betas``, ...), in this order. Where two
share a name, ``"optimizer.init"`` or ``"model.seed"`` says whose it is. A word that
nobody reads is an error, never ignored.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from .. import optim
from .._validate import check_positive
from ..optim import Rule
from .grid import Named
from .words import READERS, Schedule

__all__ = ["Setting", "read_setting"]


@dataclass(frozen=True)
class Setting:
    """Hold one setting, sorted by who reads it.

    Attributes:
        shown: What the user wrote, for tables: plain values and names.
        seed: Of the weights, the order of examples, label noise and dropout.
        model: Keywords of the factory.
        rule: The optimizer's pure rule.
        hyper: All its hyperparameters, defaults included.
        l2: Weight decay of a rule that has none of its own, an L2 penalty.
        schedule: Factor on ``lr`` by the number of updates already made.
        init: Scheme of ``coursekit.init``; None keeps the factory's weights.
        gain: Factor on the drawn weights.
        batch_size: Examples an update; None for all.
        n_train: Size of the training subset; None for all.
        label_noise: Share of training labels that are replaced.
        clip_norm: Largest norm of a gradient; None for no clipping.
        clip_value: Largest entry of a gradient; None for no clipping.
        gradient_noise: ``(eta, gamma)`` of ``coursekit.optim.GradientNoise``.
        lookahead: ``(k, alpha)`` of ``coursekit.optim.Lookahead``.
    """

    shown: Mapping[str, Any]
    seed: int = 0
    model: Mapping[str, Any] = field(default_factory=dict)
    rule: Rule = optim.sgd
    hyper: Mapping[str, Any] = field(default_factory=dict)
    l2: float = 0.0
    schedule: Schedule | None = None
    init: str | Callable[..., Any] | None = None
    gain: float = 1.0
    batch_size: int | None = 32
    n_train: int | None = None
    label_noise: float = 0.0
    clip_norm: float | None = None
    clip_value: float | None = None
    gradient_noise: tuple[float, float] | None = None
    lookahead: tuple[int, float] | None = None

    def lr(self, t: int) -> float:
        """Return the rate of an update.

        Args:
            t: Number of the update, from 1.

        Returns:
            The rate times the schedule's factor for t - 1 updates made.
        """
        factor = 1.0 if self.schedule is None else float(self.schedule(t - 1))
        return self.hyper["lr"] * factor


def read_setting(row: Mapping[str, Any], model: Any) -> Setting:
    """Sort the words of one setting.

    Args:
        row: The setting as written, e.g. an entry of ``grid(...)``.
        model: The factory, whose signature says which words are its own, or a
            module.

    Returns:
        The setting, every word checked.

    Raises:
        ValueError: If a word is unknown or its value is out of range.
        TypeError: If a value is of the wrong type.

    Example:
        >>> setting = read_setting({"optimizer": "Adam", "lr": 0.01}, nn.Linear(2, 1))
        >>> setting.rule.name, setting.hyper["lr"], setting.hyper["betas"]
        ('adam', 0.01, (0.9, 0.999))
    """
    shown = {name: _shown(value) for name, value in row.items()}
    words = {name: _plain(value) for name, value in row.items()}
    rule = _rule(words.pop("optimizer", "sgd"))
    l2 = 0.0
    if "weight_decay" not in rule.hyper:
        l2 = check_positive("weight_decay", words.pop("weight_decay", 0.0), zero=True)
    run = {name: words.pop(name) for name in list(words) if name in READERS}
    known = _keywords(model)
    mine = {name: words.pop(name) for name in list(words) if name in known}
    mine |= _addressed("model.", words)
    words |= _addressed("optimizer.", words)
    for name in (*words, *mine):
        if name not in rule.hyper and name not in known:
            raise ValueError(_unknown(name, rule, known))
    hyper = _complete(rule, words)
    checked = {name: READERS[name](name, value) for name, value in run.items()}
    return Setting(shown=shown, model=mine, rule=rule, hyper=hyper, l2=l2, **checked)


def _complete(rule: Rule, words: Mapping[str, Any]) -> dict[str, Any]:
    defaults = {name: rule.signature.parameters[name].default for name in rule.hyper}
    hyper = {**defaults, **words}
    for name, value in hyper.items():
        if value is inspect.Parameter.empty:
            raise ValueError(
                f"{name}: {rule.name} has no default for it, got none; write for "
                f"example grid(optimizer={rule.name!r}, {name}=[0.01, 0.1])"
            )
    rule.check(**hyper)
    return {n: tuple(v) if isinstance(v, list) else v for n, v in hyper.items()}


def _addressed(reader: str, words: dict[str, Any]) -> dict[str, Any]:
    names = [name for name in words if name.startswith(reader)]
    return {name.removeprefix(reader): words.pop(name) for name in names}


def _shown(value: Any) -> Any:
    if isinstance(value, Named):
        return value.name
    name = getattr(value, "__name__", None) or getattr(value, "name", None)
    return name if callable(value) or isinstance(value, Rule) else value


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Named) else value


def _rule(value: Any) -> Rule:
    if isinstance(value, str):
        rule = getattr(optim, value.lower(), None)
        if not isinstance(rule, Rule):
            rules = [n for n in optim.__all__ if isinstance(getattr(optim, n), Rule)]
            raise ValueError(
                f"optimizer: expected one of {', '.join(sorted(rules))}, got {value!r}"
            )
        return rule
    rule = getattr(value, "rule", value)
    if not isinstance(rule, Rule):
        raise TypeError(
            "optimizer: expected a name, a rule or a class of coursekit.optim, got "
            f"{value!r}; one of torch.optim trains one model at a time"
        )
    return rule


def _keywords(model: Any) -> set[str]:
    if isinstance(model, nn.Module):
        return set()
    parameters = inspect.signature(model).parameters.values()
    return {
        p.name
        for p in parameters
        if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)
    }


def _unknown(name: str, rule: Rule, model_words: set[str]) -> str:
    words = sorted({*READERS, "optimizer", "weight_decay", *rule.hyper, *model_words})
    close = difflib.get_close_matches(name, words, 1)
    hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(words)}"
    return (
        f"{name}: neither the run, nor {rule.name}, nor the model reads this word; "
        f"{hint}"
    )
