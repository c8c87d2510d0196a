r"""Measure second derivatives of a loss: Hessians, spectra, critical points.

Everything works on a scalar function of one vector: one of the toy ``SURFACES``, or
what ``flat_loss`` makes of a network and a batch.
"""

from .classify import Inertia, classify, inertia, minimum_ratio, negative_share
from .critical import find_critical_point, find_critical_points, lm_step
from .escape import escape_direction
from .flat import flat_loss, load_flat, split_flat
from .found import CriticalPoint, CriticalPoints, Ending, distinct_points
from .hessian import gradient, hessian
from .hvp import HessianOperator, hvp
from .kind import Kind
from .lanczos import Tridiagonal, lanczos
from .sharpness import PowerResult, lambda_max, power_iteration
from .spectrum import Eigenpairs, top_eigenpairs, top_eigenvalues
from .surfaces import SURFACES, Landmark, Surface
from .taylor import taylor2

__all__ = [
    "SURFACES",
    "CriticalPoint",
    "CriticalPoints",
    "Eigenpairs",
    "Ending",
    "HessianOperator",
    "Inertia",
    "Kind",
    "Landmark",
    "PowerResult",
    "Surface",
    "Tridiagonal",
    "classify",
    "distinct_points",
    "escape_direction",
    "find_critical_point",
    "find_critical_points",
    "flat_loss",
    "gradient",
    "hessian",
    "hvp",
    "inertia",
    "lambda_max",
    "lanczos",
    "lm_step",
    "load_flat",
    "minimum_ratio",
    "negative_share",
    "power_iteration",
    "split_flat",
    "taylor2",
    "top_eigenpairs",
    "top_eigenvalues",
]
