r"""Networks small enough to train by the hundred on two cores.

======================  ====================================================
``MLP``                 linear maps and activations in turn
``Maxout``              a layer that learns its activation
``ResidualMLP``         branches added to a stream
``SmallCNN``            convolutions over images or signals
``RNN``                 one cell over sequences of any length
``TransformerBlock``    attention and a two-layer net, Post-LN or Pre-LN
``TransformerLM``       the next token of a text
``CTRNet``              clicks from categories and numbers
======================  ====================================================

All can be stacked: ``torch.func.vmap`` over the parameters of several models of
one shape equals the loop over them. Around the models stand
``manual_backprop_mlp`` (the gradient by hand), ``embed_shallow`` (a shallow net
inside a deep one), ``freeze_until`` (fine-tuning) and ``count_params``.
"""

from ..layers import activation
from .attention import MultiHeadAttention, attention
from .backprop import Backprop, manual_backprop_mlp
from .backprop_function import manual_forward_mlp, manual_layer
from .cnn import SmallCNN
from .count import ParamRow, count_params, params_table
from .ctr import CTRNet
from .embed_shallow import embed_shallow
from .embeddings import initialize_embeddings
from .freeze import FreeParameters, freeze_until
from .maxout import Maxout, maxout
from .mlp import MLP
from .numerical_embedding import NumericalEmbedding
from .residual import ResidualBlock, ResidualMLP
from .rnn import RNN
from .slopes import slope
from .tanh_rnn_cell import TanhRNNCell
from .torch_names import from_torch_state, to_torch_state
from .transformer_block import TransformerBlock
from .transformer_lm import TransformerLM

__all__ = [
    "MLP",
    "RNN",
    "Backprop",
    "CTRNet",
    "FreeParameters",
    "Maxout",
    "MultiHeadAttention",
    "NumericalEmbedding",
    "ParamRow",
    "ResidualBlock",
    "ResidualMLP",
    "SmallCNN",
    "TanhRNNCell",
    "TransformerBlock",
    "TransformerLM",
    "activation",
    "attention",
    "count_params",
    "embed_shallow",
    "freeze_until",
    "from_torch_state",
    "initialize_embeddings",
    "manual_backprop_mlp",
    "manual_forward_mlp",
    "manual_layer",
    "maxout",
    "params_table",
    "slope",
    "to_torch_state",
]
