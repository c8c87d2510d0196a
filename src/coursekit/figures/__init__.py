"""Draw what the runs say: static pictures and live figures from one specification."""

from .cube import Array, Cube, Dim, provenance, seed_arrays

__all__ = ["Array", "Cube", "Dim", "provenance", "seed_arrays"]
