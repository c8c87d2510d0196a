r"""Measure second derivatives of a loss: Hessians, spectra, critical points."""

from .kind import Kind
from .surfaces import SURFACES, Landmark, Surface

__all__ = ["SURFACES", "Kind", "Landmark", "Surface"]
