r"""Mix the input with the state, and squash the sum.

.. math::

    h_t = \tanh(W_{xh} x_t + b + W_{hh} h_{t-1}) \qquad (1)

tanh bounds the state and with it what a long sequence can do to it. The price
is paid on the way back: its slope is below 1 everywhere but at 0, and one
factor of it stands in the gradient for every step.
"""

import torch
from torch import Tensor, nn

from .._validate import check_count

__all__ = ["TanhRNNCell"]


class TanhRNNCell(nn.Module):
    r"""Make one step of equation (1).

    Args:
        input_size: Entries of an input.
        hidden_size: Units of the state.

    Shape:
        x ``[*, input_size]``, h and the result ``[*, hidden_size]``.

    Attributes:
        linear_ih: The map of the input, with the bias b.
        linear_hh: The map of the state, without.

    Example:
        >>> cell = TanhRNNCell(3, 5)
        >>> cell(torch.zeros(2, 3), torch.zeros(2, 5)).shape
        torch.Size([2, 5])

    Notes:
        ``torch.nn.RNNCell`` has a second bias, whose sum with the first is b.
        The maps are ``nn.Linear``, which ``coursekit.init.initialize`` reaches.

    References:
        Elman (1990), Finding structure in time, Cognitive Science 14.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        check_count("input_size", input_size)
        check_count("hidden_size", hidden_size)
        self.linear_ih = nn.Linear(input_size, hidden_size)
        self.linear_hh = nn.Linear(hidden_size, hidden_size, bias=False)

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        """Return the state after one more input.

        Args:
            x: The input, ``[*, input_size]``.
            h: The state before it, ``[*, hidden_size]``.

        Returns:
            The new state, ``[*, hidden_size]``.
        """
        return torch.tanh(self.linear_ih(x) + self.linear_hh(h))  # (1)
