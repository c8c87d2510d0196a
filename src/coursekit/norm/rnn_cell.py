r"""Normalize the summed inputs of a recurrent net at every step.

.. math::

    a_t &= W_{hh}\, h_{t-1} + W_{xh}\, x_t \qquad (1) \\
    h_t &= \phi\bigl(\mathrm{LN}(a_t;\ \gamma, \beta)\bigr) \qquad (2)

Mean and variance are taken over the units of *this* step and example; gain and
bias are the same at all steps. So a sequence may be longer than any seen in
training, and padding behind its end changes nothing before it. What the norm
keeps level is the size of the summed inputs, step after step: it helps most
where badly scaled recurrent weights would make it shrink or grow.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from .._validate import check_count, check_in
from .layer_norm import LayerNorm, layer_norm

__all__ = ["LayerNormRNNCell", "layer_norm_rnn_step"]

NONLINEARITIES = {"tanh": torch.tanh, "relu": torch.relu}


def layer_norm_rnn_step(
    x: Float[Tensor, "*batch inputs"],
    h: Float[Tensor, "*batch units"],
    weight_ih: Float[Tensor, "units inputs"],
    weight_hh: Float[Tensor, "units units"],
    weight: Float[Tensor, " units"] | None = None,
    bias: Float[Tensor, " units"] | None = None,
    *,
    nonlinearity: str = "tanh",
    eps: float = 1e-5,
) -> Float[Tensor, "*batch units"]:
    r"""Return :math:`h_t` of equation (2).

    Args:
        x: Input :math:`x_t`.
        h: State :math:`h_{t-1}`.
        weight_ih: :math:`W_{xh}`.
        weight_hh: :math:`W_{hh}`.
        weight: The gain γ; None is 1.
        bias: The bias β; None is 0.
        nonlinearity: ``"tanh"`` or ``"relu"``.
        eps: ε ≥ 0.

    Shape:
        x ``[*, inputs]``, h ``[*, units]``.

    Returns:
        The new state, ``[*, units]``.

    Raises:
        ValueError: If the nonlinearity is unknown.

    Example:
        >>> x, h, eye = torch.tensor([1.0, 3.0]), torch.zeros(2), torch.eye(2)
        >>> layer_norm_rnn_step(x, h, eye, eye)
        tensor([-0.7616,  0.7616])

    References:
        Ba, Kiros, Hinton (2016), Layer normalization, arXiv 1607.06450, eq. 4.
    """
    check_in("nonlinearity", nonlinearity, NONLINEARITIES)
    phi = NONLINEARITIES[nonlinearity]
    a = h @ weight_hh.mT + x @ weight_ih.mT  # (1)
    return phi(layer_norm(a, a.shape[-1], weight, bias, eps))  # (2)


class LayerNormRNNCell(nn.Module):
    r"""Make one step of a recurrent net with a layer norm inside.

    Args:
        input_size: Entries of an input.
        hidden_size: Units of the state.
        nonlinearity: ``"tanh"`` or ``"relu"``.
        eps: ε ≥ 0.

    Shape:
        x ``[*, input_size]``, h ``[*, hidden_size]``.

    Attributes:
        linear_ih: The map of the input, without bias: the norm would remove a
            part of it, and has one.
        linear_hh: The map of the state.
        norm: The layer norm.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> cell = LayerNormRNNCell(3, 5)
        >>> h = None
        >>> for x in torch.randn(7, 2, 3):
        ...     h = cell(x, h)
        >>> h.shape
        torch.Size([2, 5])

    Notes:
        torch has no such cell. The two maps are ``torch.nn.Linear``, so that
        ``coursekit.init.initialize`` reaches them.

    References:
        Ba, Kiros, Hinton (2016), arXiv 1607.06450, eq. 4.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        nonlinearity: str = "tanh",
        *,
        eps: float = 1e-5,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        check_in("nonlinearity", nonlinearity, NONLINEARITIES)
        check_count("input_size", input_size)
        check_count("hidden_size", hidden_size)
        place = {"device": device, "dtype": dtype}
        self.linear_ih = nn.Linear(input_size, hidden_size, bias=False, **place)
        self.linear_hh = nn.Linear(hidden_size, hidden_size, bias=False, **place)
        self.norm = LayerNorm(hidden_size, eps, **place)
        self.nonlinearity = nonlinearity

    def forward(self, x: Tensor, h: Tensor | None = None) -> Tensor:
        """Return the state after one more input.

        Args:
            x: The input, ``[*, input_size]``.
            h: The state before it; None is 0.

        Returns:
            The new state, ``[*, hidden_size]``.

        Raises:
            ValueError: If the shapes do not fit.
        """
        inputs, units = self.linear_ih.in_features, self.linear_hh.in_features
        if h is None:
            h = x.new_zeros((*x.shape[:-1], units))
        if x.shape[-1] != inputs or h.shape != (*x.shape[:-1], units):
            raise ValueError(
                f"h: expected x of shape [*, {inputs}] and h of shape [*, {units}], "
                f"got {tuple(x.shape)} and {tuple(h.shape)}"
            )
        a = self.linear_hh(h) + self.linear_ih(x)
        return NONLINEARITIES[self.nonlinearity](self.norm(a))
