"""Measure second derivatives of a loss: Hessians, spectra, critical points."""
