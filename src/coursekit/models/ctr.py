r"""Guess whether a shown item is clicked, from categories and numbers.

Every field j of a record becomes a vector of :math:`d` entries, a categorical
one by a look-up in its table :math:`E_j`, a numerical one by scaling a vector:

.. math::

    e_j &= E_j[c_j] \qquad (1) \\
    e_j &= x_j\, w_j \quad \text{or} \quad x_j\, w_j + b_j \qquad (2) \\
    \hat e_j &= N_j(e_j) \qquad (3) \\
    o   &= \mathrm{MLP}([\hat e_1, \hat e_2, \dots]) \qquad (4)

with :math:`p = \sigma(o)` the probability of a click. A norm N can stand on the
categorical embeddings, on the numerical ones, and in front of every activation
of the MLP; the three places are chosen on their own.

Norm and embedding have to fit. With (2) and no bias, layer norm returns
:math:`\mathrm{sign}(x_j)\,(w_j - \bar w_j)/\mathrm{std}(w_j)`, up to ε: the
*value* of the number is erased and only its sign is left. With a bias the
direction of :math:`e_j` turns with :math:`x_j`, and the norm leaves it in.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from .._validate import check_count
from .mlp import MLP
from .numerical_embedding import NumericalEmbedding

__all__ = ["CTRNet"]

MakeNorm = Callable[[int], nn.Module]


class CTRNet(nn.Module):
    r"""Embed the fields of a record, normalize, and feed them to an MLP.

    Args:
        n_categories: Number of categories of each categorical field.
        n_numerical: Number of numerical fields.
        dim: Entries d of an embedding.
        widths: Hidden widths of the MLP.
        emb_norm: Makes the norm of a categorical field for d entries, e.g.
            ``coursekit.norm.BatchNorm``; None is no norm.
        num_norm: The same for a numerical field.
        mlp_norm: Makes the norm in front of each activation of the MLP.
        num_bias: Whether numerical embeddings have a bias.
        shared_norm: Whether all fields of a kind share one norm layer instead
            of one each.
        activation: A name known to ``coursekit.models.activation``, or a
            callable without arguments that makes the module.

    Shape:
        categories ``[N, fields]``, numbers ``[N, n_numerical]``; output
        ``[N]``, the logit of a click.

    Attributes:
        tables: The embeddings (1), one a field.
        numbers: The embedding (2).
        emb_norms: The norms of the categorical fields; one if they share it.
        num_norms: The norms of the numerical fields, likewise.
        mlp: The perceptron (4).

    Raises:
        ValueError: If a number is out of its range or there is no field.
        TypeError: If a size is not an integer.

    Example:
        >>> from coursekit.norm import LayerNorm, VarianceOnlyLayerNorm
        >>> model = CTRNet([100, 7], 3, num_norm=LayerNorm, num_bias=True,
        ...                mlp_norm=VarianceOnlyLayerNorm)
        >>> categories, numbers = torch.tensor([[99, 6]]), torch.zeros(1, 3)
        >>> model(categories, numbers).shape
        torch.Size([1])

    Notes:
        Embeddings are normalized field by field: the statistics of a layer norm
        are over the d entries of one field, those of a batch norm over the
        batch for each entry of it. ``initialize`` reaches the MLP,
        ``initialize_embeddings`` the tables. Train it with
        ``torch.nn.functional.binary_cross_entropy_with_logits``.

    References:
        Wang et al. (2020), Correct normalization matters: understanding the
        effect of normalization on deep neural network models for click-through
        rate prediction, arXiv 2006.12753.
    """

    def __init__(
        self,
        n_categories: Sequence[int],
        n_numerical: int = 0,
        dim: int = 10,
        widths: Sequence[int] = (64, 64),
        *,
        emb_norm: MakeNorm | None = None,
        num_norm: MakeNorm | None = None,
        mlp_norm: MakeNorm | None = None,
        num_bias: bool = False,
        shared_norm: bool = False,
        activation: str | Callable[[], nn.Module] = "relu",
    ) -> None:
        super().__init__()
        sizes = [
            check_count(f"n_categories[{i}]", n) for i, n in enumerate(n_categories)
        ]
        check_count("dim", dim)
        self.n_numerical = check_count("n_numerical", n_numerical, least=0)
        fields = len(sizes) + n_numerical
        if fields == 0:
            raise ValueError("n_categories, n_numerical: expected a field, got none")
        self.tables = nn.ModuleList(nn.Embedding(n, dim) for n in sizes)
        self.emb_norms = _norms(emb_norm, len(sizes), dim, shared_norm)
        self.numbers = NumericalEmbedding(n_numerical, dim, bias=num_bias)
        self.num_norms = _norms(num_norm, n_numerical, dim, shared_norm)
        self.mlp = MLP([fields * dim, *widths, 1], activation, norm=mlp_norm)

    def embed(
        self,
        categories: Int[Tensor, "batch fields"],
        numbers: Float[Tensor, "batch numerical"] | None = None,
    ) -> Float[Tensor, "batch all_fields dim"]:
        """Return the normalized embeddings, categorical fields first.

        Args:
            categories: Index of the category of each categorical field.
            numbers: Values of the numerical fields; None if there is none.

        Returns:
            Embeddings, ``[N, fields, dim]``.

        Raises:
            ValueError: If the shapes do not fit the fields.
        """
        n, examples = self.n_numerical, categories.shape[:-1]
        if numbers is None and n == 0:
            numbers = self.numbers.weight.new_zeros(*examples, 0)
        if (
            numbers is None
            or not examples
            or categories.shape[-1] != len(self.tables)
            or numbers.shape != (*examples, n)
        ):
            got = None if numbers is None else tuple(numbers.shape)
            raise ValueError(
                f"categories, numbers: expected [N, {len(self.tables)}] and [N, {n}], "
                f"got {tuple(categories.shape)} and {got}"
            )
        columns = zip(self.tables, categories.unbind(-1), strict=True)
        found = [table(column) for table, column in columns]  # (1)
        scaled = self.numbers(numbers).unbind(-2)  # (2)
        norms = (*_for_each(self.emb_norms, found), *_for_each(self.num_norms, scaled))
        pairs = zip(norms, (*found, *scaled), strict=True)
        return torch.stack([norm(e) for norm, e in pairs], -2)  # (3)

    def forward(
        self,
        categories: Int[Tensor, "batch fields"],
        numbers: Float[Tensor, "batch numerical"] | None = None,
    ) -> Float[Tensor, " batch"]:
        """Return the logit of a click.

        Args:
            categories: Index of the category of each categorical field.
            numbers: Values of the numerical fields; None if there is none.

        Returns:
            Logits, ``[N]``.
        """
        e = self.embed(categories, numbers)
        return self.mlp(e.flatten(-2)).squeeze(-1)  # (4)


def _norms(
    make: MakeNorm | None, n_fields: int, dim: int, shared: bool
) -> nn.ModuleList:
    count = min(n_fields, 1) if shared else n_fields
    make = nn.Identity if make is None else make
    return nn.ModuleList(make(dim) for _ in range(count))


def _for_each(norms: nn.ModuleList, fields: Sequence[Tensor]) -> Iterator[nn.Module]:
    return islice(cycle(norms), len(fields))
