r"""Read a sequence of any length with one set of weights.

.. math::

    \tilde h_t &= \tanh(W_{xh} x_t + b + W_{hh} h_{t-1}) \qquad (1) \\
    h_t &= \begin{cases} \tilde h_t & t \le T_r \\ h_{t-1} & t > T_r \end{cases}
    \qquad (2) \\
    o   &= W_{ho} h_T + b_o \qquad (3)

with :math:`h_0 = 0` and :math:`T_r` the length of sequence r. Sequences of a
batch are padded to the longest, T. Behind its end a sequence holds its state
(2), so (3) reads the last *valid* step and padding has no effect.

The gradient meets :math:`W_{hh}` once a step,
:math:`\partial h_T/\partial h_t = \prod_\tau \mathrm{diag}(\tanh')\, W_{hh}`:
with an orthogonal matrix times g < 1 it shrinks at least as fast as
:math:`g^{T-t}`, while for g > 1 the matrix enlarges what a saturated tanh takes
away again. The cell ``"layer_norm"`` divides the summed inputs of (1) by their
deviation: a factor common to both matrices drops out, so that the state can
neither fade from step to step nor drive all units into saturation.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from .._validate import check_count, check_in, check_positive
from ..init import orthogonal
from ..norm import LayerNormRNNCell
from .tanh_rnn_cell import TanhRNNCell

__all__ = ["RNN"]

CELLS: dict[str, Callable[[int, int], nn.Module]] = {
    "tanh": TanhRNNCell,
    "layer_norm": LayerNormRNNCell,
}


class RNN(nn.Module):
    r"""Run a cell over padded sequences and read the last valid state.

    Args:
        input_size: Entries of an input.
        hidden_size: Units of the state.
        n_out: Entries of the output.
        cell: ``"tanh"``, ``"layer_norm"``, or a callable that makes a module
            from ``(input_size, hidden_size)`` and is called as ``(x, h)``.
        gain: If given, :math:`W_{hh}` is orthogonal times this g ≥ 0; see
            ``draw_recurrent``.
        generator: Source of that matrix; None is torch's global one.

    Shape:
        input ``[N, T, input_size]``, lengths ``[N]``, output ``[N, n_out]``.

    Attributes:
        cell: The step, the same at all times.
        readout: The linear map (3).

    Raises:
        ValueError: If a number is out of its range or the cell is unknown.
        TypeError: If a size is not an integer.

    Example:
        >>> model = RNN(2, 48, gain=0.5, generator=torch.Generator())
        >>> x = torch.zeros(3, 24, 2)
        >>> model(x, torch.tensor([24, 8, 17])).shape
        torch.Size([3, 1])

    References:
        Ba, Kiros, Hinton (2016), Layer normalization, arXiv 1607.06450, eq. 4.
        Pascanu, Mikolov, Bengio (2013), On the difficulty of training recurrent
        neural networks, arXiv 1211.5063, eq. 5 for the product.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int = 48,
        n_out: int = 1,
        *,
        cell: str | Callable[[int, int], nn.Module] = "tanh",
        gain: float | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        if isinstance(cell, str):
            check_in("cell", cell, CELLS)
            cell = CELLS[cell]
        self.input_size = check_count("input_size", input_size)
        self.hidden_size = check_count("hidden_size", hidden_size)
        self.cell = cell(input_size, hidden_size)
        self.readout = nn.Linear(hidden_size, check_count("n_out", n_out))
        if gain is not None:
            self.draw_recurrent(gain, generator or torch.default_generator)

    @torch.no_grad()
    def draw_recurrent(self, gain: float, generator: torch.Generator) -> "RNN":
        r"""Make :math:`W_{hh}` orthogonal times g, in place.

        Args:
            gain: The factor g ≥ 0.
            generator: Source of randomness.

        Returns:
            The same model, for chaining; call it after ``initialize``, which
            would draw this matrix anew.

        Raises:
            TypeError: If the cell has no linear map ``linear_hh``.
        """
        check_positive("gain", gain, zero=True)
        linear = getattr(self.cell, "linear_hh", None)
        if not isinstance(linear, nn.Linear):
            raise TypeError(
                f"gain: expected a cell with a linear map 'linear_hh', got "
                f"{type(self.cell).__name__}; draw its weights by hand"
            )
        w = linear.weight
        w.copy_(orthogonal(w.shape, gain, generator=generator, dtype=w.dtype))
        return self

    def states(
        self,
        x: Float[Tensor, "batch steps inputs"],
        lengths: Int[Tensor, " batch"] | None = None,
    ) -> Float[Tensor, "batch steps units"]:
        """Return the state after every step; behind the end it stays.

        Args:
            x: Padded sequences. What the padding holds is never read.
            lengths: Valid steps of each; None takes all. A number above T
                counts as T; one below 1 leaves the state at zero.

        Returns:
            The states, ``[N, T, hidden_size]``.

        Raises:
            ValueError: If the shapes do not fit or there is no step.
            TypeError: If the lengths are not integers.
        """
        self._check(x, lengths)
        h, states = x.new_zeros(*x.shape[:-2], self.hidden_size), []
        for t, now in enumerate(x.unbind(-2)):
            if lengths is None:
                h = self.cell(now, h)
            else:
                valid = (t < lengths)[..., None]
                # a padding of NaN would pass the gradient of `where` as 0 * NaN
                new = self.cell(torch.where(valid, now, 0.0), h)  # (1)
                h = torch.where(valid, new, h)  # (2)
            states.append(h)
        return torch.stack(states, -2)

    def forward(
        self,
        x: Float[Tensor, "batch steps inputs"],
        lengths: Int[Tensor, " batch"] | None = None,
    ) -> Float[Tensor, "batch n_out"]:
        """Return the output after the last valid step.

        Args:
            x: Padded sequences, ``[N, T, input_size]``.
            lengths: Valid steps of each; None takes all.

        Returns:
            Outputs, ``[N, n_out]``.
        """
        return self.readout(self.states(x, lengths)[..., -1, :])  # (3)

    def _check(self, x: Tensor, lengths: Tensor | None) -> None:
        if x.ndim < 3 or x.shape[-2] < 1 or x.shape[-1] != self.input_size:
            raise ValueError(
                f"x: expected [N, T, {self.input_size}] with T >= 1, got "
                f"{tuple(x.shape)}; a single sequence needs x.unsqueeze(0)"
            )
        if lengths is None:
            return
        if lengths.is_floating_point() or lengths.dtype == torch.bool:
            raise TypeError(f"lengths: expected integers, got {lengths.dtype}")
        if lengths.shape != x.shape[:-2]:
            raise ValueError(
                f"lengths: expected one number a sequence, {tuple(x.shape[:-2])}, got "
                f"{tuple(lengths.shape)}"
            )
