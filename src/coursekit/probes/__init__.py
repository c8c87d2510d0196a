"""Measure what goes on inside a network without leaving a trace in it."""

from .grads import grad_norms, weight_grad_norms
from .signals import Signals, SignalStats, forward_backward_std, signals

__all__ = [
    "SignalStats",
    "Signals",
    "forward_backward_std",
    "grad_norms",
    "signals",
    "weight_grad_norms",
]
