r"""Say what counts as a linear map and name the activations, once for all.

.. math::

    z &= W a + b \\
    a &= \phi(z)

Models are built of these, initializers fill the :math:`W`, probes look at
:math:`z` and :math:`a`, and ``coursekit.init.gain`` integrates :math:`\phi`:
all four must mean the same thing.
"""

from collections.abc import Callable
from inspect import Parameter, signature

from torch import nn

from ._validate import check_in, check_number

__all__ = ["ACTIVATIONS", "ALIASES", "LinearMap", "activation", "linear_maps"]

LinearMap = nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d

ACTIVATIONS: dict[str, Callable[..., nn.Module]] = {
    "identity": nn.Identity,
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "selu": nn.SELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "softplus": nn.Softplus,
    "tanh": nn.Tanh,
    "hard_tanh": nn.Hardtanh,
    "sigmoid": nn.Sigmoid,
}

# Not rows of the table: each would appear twice wherever the table is shown.
ALIASES = {"leaky": "leaky_relu"}


def activation(name: str, **kwargs: float | str) -> nn.Module:
    r"""Make the activation :math:`\phi` called ``name`` as a module.

    Args:
        name: One of ``ACTIVATIONS``: identity, relu, leaky_relu, elu, selu,
            gelu, silu, softplus, tanh, hard_tanh, sigmoid, or leaky
            for leaky_relu.
        **kwargs: Parameters of that function, as torch names them
            (``negative_slope`` for leaky_relu, ``alpha`` for elu, ...).

    Shape:
        The module maps any shape to the same shape.

    Returns:
        A module without trainable parameters.

    Raises:
        ValueError: If there is no activation of that name, or a parameter is NaN.
        TypeError: If the function has no parameter of that name.

    Example:
        >>> import torch
        >>> activation("leaky", negative_slope=0.1)(torch.tensor([-1.0, 2.0]))
        tensor([-0.1000,  2.0000])

    Notes:
        ``leaky_relu`` has the slope of Maas et al. (2013) and of torch, 0.01;
        models take ``functools.partial(activation, "leaky", negative_slope=0.1)``.
        Maxout is no function of one number, hence ``coursekit.models.Maxout``.

    References:
        Maas, Hannun, Ng (2013), Rectifier nonlinearities improve neural network
        acoustic models, ICML workshop, eq. 2.
    """
    check_in("activation", name, (*ACTIVATIONS, *ALIASES))
    make = ACTIVATIONS[ALIASES.get(name, name)]
    known = {p.name: p.default for p in signature(make).parameters.values()}
    known = {key: value for key, value in known.items() if value is not Parameter.empty}
    for key, value in kwargs.items():
        if key not in known:
            raise TypeError(
                f"{key}: expected a parameter of {name!r}, got one that it does not "
                f"have; it has {', '.join(known) or 'none'}"
            )
        if isinstance(known[key], float):
            check_number(key, value)
    return make(**kwargs)


def linear_maps(model: nn.Module) -> list[LinearMap]:
    r"""List the ``Linear`` and ``Conv`` layers of a model.

    Args:
        model: Any module.

    Returns:
        The layers in the order of ``model.modules()``, without repeats;
        transposed convolutions are not among them.

    Example:
        >>> linear_maps(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Flatten()))
        [Linear(in_features=2, out_features=3, bias=True)]
    """
    return [module for module in model.modules() if isinstance(module, LinearMap)]
