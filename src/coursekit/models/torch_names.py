r"""Exchange weights with the layers of torch that compute the same.

.. math::

    W_{\mathrm{in}} &= \begin{pmatrix} W_Q \\ W_K \\ W_V \end{pmatrix} \\
    b &= b_{ih} + b_{hh}

The layers of this package keep one ``nn.Linear`` for every matrix of their
equations. torch joins queries, keys and values into one matrix, and gives a
recurrent step a second bias that is only ever added to the first.
"""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor, nn

from .attention import MultiHeadAttention
from .rnn import RNN
from .tanh_rnn_cell import TanhRNNCell
from .transformer_block import TransformerBlock

__all__ = ["from_torch_state", "to_torch_state"]

State = dict[str, Tensor]
Layer = TypeVar("Layer", bound=nn.Module)

JOINED = ("query", "key", "value")


@torch.no_grad()
def to_torch_state(layer: nn.Module) -> State:
    r"""Return a state dict for the torch layer of the same kind.

    Args:
        layer: A ``TransformerBlock`` (for ``nn.TransformerEncoderLayer``), a
            ``MultiHeadAttention`` (``nn.MultiheadAttention``), a
            ``TanhRNNCell`` (``nn.RNNCell``) or an ``RNN`` of that cell
            (``nn.RNN``; its readout is left out).

    Returns:
        Copies of the weights by torch's names; torch's second bias is zero.

    Raises:
        TypeError: If torch has no such layer.

    Example:
        >>> sorted(to_torch_state(TanhRNNCell(3, 5)))
        ['bias_hh', 'bias_ih', 'weight_hh', 'weight_ih']

    Notes:
        The norm layers of this package and the convolutions of ``SmallCNN``
        have torch's names already. A state dict holds weights only: where the
        norms are, the activation and the causal mask are not in it.
    """
    write, _ = _exchange(layer)
    return {key: p.detach().clone() for key, p in write(layer).items()}


@torch.no_grad()
def from_torch_state(layer: Layer, state: State) -> Layer:
    r"""Load the state dict of the torch layer of the same kind, in place.

    Args:
        layer: As for ``to_torch_state``.
        state: ``torch_layer.state_dict()``.

    Returns:
        The same layer, for chaining; the readout of an ``RNN`` is left as it is.

    Raises:
        TypeError: If torch has no such layer.
        ValueError: If the names are not those that ``to_torch_state`` gives.
        RuntimeError: If the shapes do not fit.

    Example:
        >>> cell = from_torch_state(TanhRNNCell(3, 5), nn.RNNCell(3, 5).state_dict())
    """
    write, read = _exchange(layer)
    expected = set(write(layer))
    if set(state) != expected:
        raise ValueError(
            f"state: expected the names {sorted(expected)}, got {sorted(state)}; build "
            "both layers with the same bias, number of layers and direction"
        )
    # strict=False: what torch's layer lacks, such as a readout, keeps its weights
    layer.load_state_dict(read(state), strict=False)
    return layer


def _write_attention(layer: MultiHeadAttention) -> State:
    own = layer.state_dict()
    kinds = [key.removeprefix("value.") for key in own if key.startswith("value.")]
    state = {
        f"in_proj_{k}": torch.cat([own[f"{x}.{k}"] for x in JOINED]) for k in kinds
    }
    return state | {f"out_proj.{k}": own[f"out.{k}"] for k in kinds}


def _read_attention(state: State) -> State:
    own = {f"out.{k}": p for k, p in _under("out_proj.", state).items()}
    for k, joined in _under("in_proj_", state).items():
        own |= {f"{x}.{k}": p for x, p in zip(JOINED, joined.chunk(3), strict=True)}
    return own


def _write_block(layer: TransformerBlock) -> State:
    own = layer.state_dict()
    inner = _write_attention(layer.attention)
    state = {f"self_attn.{key}": p for key, p in inner.items()}
    return state | {
        key.removeprefix("ffn."): p
        for key, p in own.items()
        if not key.startswith("attention.")
    }


def _read_block(state: State) -> State:
    inner = _read_attention(_under("self_attn.", state))
    own = {f"attention.{key}": p for key, p in inner.items()}
    own |= {f"ffn.{key}": p for key, p in state.items() if key.startswith("linear")}
    return own | {key: p for key, p in state.items() if key.startswith("norm")}


def _write_cell(layer: TanhRNNCell) -> State:
    W, U = layer.linear_ih, layer.linear_hh
    zeros = torch.zeros_like(W.bias)
    biases = {"bias_ih": W.bias, "bias_hh": zeros}
    return {"weight_ih": W.weight, "weight_hh": U.weight, **biases}


def _read_cell(state: State) -> State:
    return {
        "linear_ih.weight": state["weight_ih"],
        "linear_hh.weight": state["weight_hh"],
        "linear_ih.bias": state["bias_ih"] + state["bias_hh"],
    }


def _write_rnn(layer: RNN) -> State:
    cell = layer.cell
    if not isinstance(cell, TanhRNNCell):
        raise TypeError(
            f"layer: expected an RNN with the cell 'tanh', got {type(cell).__name__}; "
            "torch has no other of these"
        )
    return {f"{key}_l0": p for key, p in _write_cell(cell).items()}


def _read_rnn(state: State) -> State:
    own = _read_cell({key.removesuffix("_l0"): p for key, p in state.items()})
    return {f"cell.{key}": p for key, p in own.items()}


def _under(start: str, state: State) -> State:
    return {k.removeprefix(start): p for k, p in state.items() if k.startswith(start)}


EXCHANGE: dict[type[nn.Module], tuple[Callable[..., State], Callable[..., State]]] = {
    MultiHeadAttention: (_write_attention, _read_attention),
    TransformerBlock: (_write_block, _read_block),
    TanhRNNCell: (_write_cell, _read_cell),
    RNN: (_write_rnn, _read_rnn),
}


def _exchange(
    layer: nn.Module,
) -> tuple[Callable[..., State], Callable[..., State]]:
    uniform = any(getattr(module, "uniform", False) for module in layer.modules())
    if type(layer) not in EXCHANGE or uniform:
        raise TypeError(
            f"layer: expected one of {', '.join(kind.__name__ for kind in EXCHANGE)} "
            f"without uniform attention, got {type(layer).__name__}; torch has none of "
            "that kind"
        )
    return EXCHANGE[type(layer)]
