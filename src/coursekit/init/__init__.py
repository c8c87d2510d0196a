r"""Draw first weights so that signals keep their scale through the layers.

Every scheme is a pure function from a shape to a tensor, in torch's layout
``[out, in, *kernel]``. They differ in one number, the variance of a weight:

==================  ==================================  ==================
scheme              variance of a weight                what it keeps
==================  ==================================  ==================
``standard_...``    1/(3 n_in), torch's default         nothing
``lecun_...``       1/n_in                              forward, linear
``xavier_...``      2/(n_in + n_out)                    a compromise
``he_...``          2/n_in or 2/n_out                   forward or backward
==================  ==================================  ==================

``gain`` computes the factor for any activation, ``initialize`` applies a
scheme to a model, ``zero_last`` and ``scale_branches`` tame residual nets.
"""

from .apply import SCHEMES, initialize
from .fans import Fans, fans
from .gains import GainRow, SecondMoments, gain, gains_table, second_moments
from .he import he_normal, he_std, he_uniform
from .lecun import lecun_normal, lecun_uniform, scaled_normal, standard_uniform
from .residual import scale_branches, zero_last
from .structured import constant, identity, orthogonal
from .xavier import xavier_normal, xavier_std, xavier_uniform

__all__ = [
    "SCHEMES",
    "Fans",
    "GainRow",
    "SecondMoments",
    "constant",
    "fans",
    "gain",
    "gains_table",
    "he_normal",
    "he_std",
    "he_uniform",
    "identity",
    "initialize",
    "lecun_normal",
    "lecun_uniform",
    "orthogonal",
    "scale_branches",
    "scaled_normal",
    "second_moments",
    "standard_uniform",
    "xavier_normal",
    "xavier_std",
    "xavier_uniform",
    "zero_last",
]
