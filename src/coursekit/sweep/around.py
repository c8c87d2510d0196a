r"""Do what stands around a rule: clip, add noise, look ahead.

The gradient of the loss is clipped by value, then by norm; noise is added to
what is left, so that clipping does not weaken it; the rule makes its step; and
every k steps Lookahead goes back to its slow weights. That is the order of
``Lookahead(ClipValue(ClipNorm(GradientNoise(rule))))``.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..optim import clip_norm, clip_value, gradient_noise
from ..optim.lookahead import synchronize
from .setting import Setting
from .streams import stream

__all__ = ["Around"]


class Around:
    """Change the gradients and the steps of models that share these words.

    Args:
        settings: One a model.
    """

    def __init__(self, settings: Sequence[Setting]) -> None:
        self.setting = settings[0]
        self.noise = [stream(setting.seed, "noise") for setting in settings]
        self.slow: list[Tensor] = []

    @staticmethod
    def words(setting: Setting) -> tuple[object, ...]:
        """Return what models must share to be changed together.

        Args:
            setting: A model's setting.

        Returns:
            Values to be compared.
        """
        clip = (setting.clip_norm, setting.clip_value)
        return (*clip, setting.gradient_noise, setting.lookahead)

    def before(self, thetas: list[Tensor], grads: list[Tensor], t: int) -> list[Tensor]:
        """Change gradients.

        Args:
            thetas: Parameters before the step, each ``[models, ...]``.
            grads: Gradients like them.
            t: Number of the update, from 1.

        Returns:
            What the rule sees.
        """
        setting = self.setting
        if setting.lookahead is not None and not self.slow:
            self.slow = [theta.clone() for theta in thetas]
        if setting.clip_value is not None:
            grads = clip_value(grads, setting.clip_value)
        if setting.clip_norm is not None:
            grads = clip_norm(grads, setting.clip_norm, batch_dims=1)
        if setting.gradient_noise is not None:
            eta, gamma = setting.gradient_noise
            grads = [self._noisy(g, t, eta, gamma) for g in grads]
        return grads

    def _noisy(self, grads: Tensor, t: int, eta: float, gamma: float) -> Tensor:
        pairs = zip(grads, self.noise, strict=True)
        how = {"eta": eta, "gamma": gamma}
        return torch.stack([gradient_noise(g, t, **how, generator=r) for g, r in pairs])

    def after(self, thetas: list[Tensor], t: int) -> None:
        """Go back to the slow weights after every k steps.

        Args:
            thetas: Parameters after the step, changed in place.
            t: Number of the update, from 1.
        """
        if self.setting.lookahead is None:
            return
        k, alpha = self.setting.lookahead
        if t % k == 0:
            for i, theta in enumerate(thetas):
                self.slow[i] = synchronize(theta, self.slow[i], alpha)
                theta.copy_(self.slow[i])

    def keep(self, rows: Sequence[int]) -> None:
        """Forget all models but those of the given rows.

        Args:
            rows: Positions in the group.
        """
        self.noise = [self.noise[row] for row in rows]
        self.slow = [slow[list(rows)] for slow in self.slow]
