r"""Data sets that need no network, two that do, and ways to serve examples.

Embedded: handwritten digits with shifted, noisy and smaller variants, signals in the
manner of MNIST-1D, two-dimensional toys, two Gaussians, the construction of Wilson et
al., the adding problem, click logs with a known ceiling, and a short tale. Downloaded
once: Fashion-MNIST and CIFAR-10.
"""

from .adding import AddingProblem, adding_problem
from .cifar10 import CIFAR10_CLASSES, cifar10
from .ctr import CTRLogs, synthetic_ctr
from .curriculum import curriculum_order, pacing
from .digits import Split, digits
from .download import DownloadError, cache_dir
from .fashion_mnist import FASHION_CLASSES, fashion_mnist
from .gaussians import two_gaussians
from .labels import noisy_labels
from .minibatches import Minibatches, epoch_order, minibatches, updates_per_epoch
from .mnist1d import mnist1d
from .poly import poly_exponents, poly_features
from .shifted import shifted_digits
from .stream import stream
from .subsets import fewer, only_classes, sorted_by_class
from .text import Text, Windows, text
from .toy import cubic, moons, rings, spirals, xor
from .wilson import wilson

__all__ = [
    "CIFAR10_CLASSES",
    "FASHION_CLASSES",
    "AddingProblem",
    "CTRLogs",
    "DownloadError",
    "Minibatches",
    "Split",
    "Text",
    "Windows",
    "adding_problem",
    "cache_dir",
    "cifar10",
    "cubic",
    "curriculum_order",
    "digits",
    "epoch_order",
    "fashion_mnist",
    "fewer",
    "minibatches",
    "mnist1d",
    "moons",
    "noisy_labels",
    "only_classes",
    "pacing",
    "poly_exponents",
    "poly_features",
    "rings",
    "shifted_digits",
    "sorted_by_class",
    "spirals",
    "stream",
    "synthetic_ctr",
    "text",
    "two_gaussians",
    "updates_per_epoch",
    "wilson",
    "xor",
]
