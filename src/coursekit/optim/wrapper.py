r"""Wrap an optimizer: another step around its step, the rest as it is.

What wraps shares the parameter groups, state and defaults of what is wrapped.
So schedulers, ``GradScaler`` and ``zero_grad`` work on either, and a wrapper
can be wrapped again.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.optim import Optimizer

__all__ = ["GradientWrapper", "OptimizerWrapper"]


class OptimizerWrapper(Optimizer):
    r"""Hand everything but ``step`` on to ``base``.

    A subclass names in ``own`` the attributes that it has to remember.

    Args:
        base: Any ``torch.optim.Optimizer``, of this package or not.

    Attributes:
        base: The optimizer that is wrapped.
        own: Names of attributes that belong into ``state_dict``.

    Raises:
        TypeError: If ``base`` is not an optimizer.
    """

    own: ClassVar[tuple[str, ...]] = ()

    def __init__(self, base: Optimizer) -> None:
        if not isinstance(base, Optimizer):
            raise TypeError(
                f"base: expected an optimizer, got {base!r}; pass for example "
                f"SGD(model.parameters(), lr=0.1)"
            )
        self.base = base
        super().__init__(base.param_groups, {})

    @property
    def param_groups(self) -> list[dict[str, Any]]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The groups of ``base``."""
        return self.base.param_groups

    @param_groups.setter
    def param_groups(self, value: object) -> None: ...

    @property
    def state(self) -> dict[Tensor, Any]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The state of ``base``."""
        return self.base.state

    @state.setter
    def state(self, value: object) -> None: ...

    @property
    def defaults(self) -> dict[str, Any]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The defaults of ``base``."""
        return self.base.defaults

    @defaults.setter
    def defaults(self, value: object) -> None: ...

    def parameters(self) -> list[Tensor]:
        """List the parameters of all groups.

        Returns:
            The parameters, in the order of the groups.
        """
        return [theta for group in self.param_groups for theta in group["params"]]

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group to ``base``.

        Args:
            param_group: As ``base`` expects it.
        """
        # The constructor of Optimizer offers the groups that base has already.
        if not any(param_group is group for group in self.param_groups):
            self.base.add_param_group(param_group)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clear the gradients.

        Args:
            set_to_none: Whether to drop them instead of filling in zeros.
        """
        self.base.zero_grad(set_to_none)

    def state_dict(self) -> dict[str, Any]:
        """Return the state of ``base`` with that of the wrapper beside it.

        Returns:
            ``base.state_dict()`` with one entry more, ``"wrapper"``.
        """
        own = {name: getattr(self, name) for name in self.own}
        inner = self.base.state_dict()
        if "wrapper" in inner:
            own["base"] = inner["wrapper"]
        return {**inner, "wrapper": own}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from what ``state_dict`` returned.

        Args:
            state_dict: Of the same kind of wrapper around the same kind of base.

        Raises:
            ValueError: If it is the state of an optimizer without this wrapper.
        """
        own = dict(state_dict.get("wrapper", {}))
        inner = {name: state_dict[name] for name in state_dict if name != "wrapper"}
        if "base" in own:
            inner["wrapper"] = own.pop("base")
        if set(own) != set(self.own):
            raise ValueError(
                f"state_dict: expected one of {type(self).__name__}, got keys "
                f"{sorted(state_dict)}; load it into .base instead"
            )
        self.base.load_state_dict(inner)
        for name, value in own.items():
            setattr(self, name, value)

    def __getstate__(self) -> dict[str, Any]:
        # Optimizer's own would lose the base; schedulers leave a patched step here.
        return {k: v for k, v in self.__dict__.items() if k != "step"}


class GradientWrapper(OptimizerWrapper):
    r"""Change the gradients that ``base`` sees, and put the caller's back.

    Args:
        base: Any ``torch.optim.Optimizer``.

    Raises:
        TypeError: If ``base`` is not an optimizer.
    """

    def transform(self, gradients: list[Tensor]) -> list[Tensor]:
        """Return the gradients for ``base``; the given ones are not changed.

        Args:
            gradients: One for every parameter that has one.

        Returns:
            As many tensors of the same shapes.

        Raises:
            NotImplementedError: If the subclass does not say.
        """
        raise NotImplementedError(f"{type(self).__name__} has to define transform")

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Run a step of ``base`` on the changed gradients.

        Args:
            closure: Computes the loss and its gradients again; optional.

        Returns:
            The closure's loss, or None without a closure.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        ready = [theta for theta in self.parameters() if theta.grad is not None]
        given = [theta.grad for theta in ready]
        try:
            changed = self.transform([g for g in given if g is not None])
            for theta, g in zip(ready, changed, strict=True):
                theta.grad = g
            self.base.step()
        finally:
            for theta, g in zip(ready, given, strict=True):
                theta.grad = g
        return loss
