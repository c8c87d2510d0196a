"""Measure what goes on inside a network without leaving a trace in it.

=========================  =================================================
``signals``                activations and back-propagated signals by layer
``forward_backward_std``   their standard deviations
``grad_norms``             size of the gradient of every parameter
``weight_grad_norms``      of every weight matrix, in order
``per_example_grads``      one gradient an example
``grad_noise``             variance of a batch gradient, exact and sampled
``noise_scale``            the same from batches of two sizes
``dead_fraction``          units that no example switches on
``ics``                    turn of a gradient when the layers before move
``gradient_path``          a walk along the gradient, read by three:
``loss_range``             how much the loss varies on it
``grad_predictiveness``    how much the gradient changes on it
``effective_beta``         how much it changes per distance
``step_trace``             what an update rule makes of given gradients
``effective_lr``           the rate of every single parameter
``grad_norm_trace``        loss and gradient norm of a running training
``lr_range``               range test of the learning rate, on copies
=========================  =================================================
"""

from .dead_fraction import DeadUnits, dead_fraction
from .effective_beta import effective_beta
from .effective_lr import effective_lr
from .grad_noise import GradNoise, grad_noise
from .grad_norm_trace import GradNormTrace, grad_norm_trace
from .grad_predictiveness import Predictiveness, grad_predictiveness
from .gradient_path import GradientPath, gradient_path
from .grads import grad_norms, weight_grad_norms
from .ics import ICS, ics
from .loss_range import LossRange, loss_range
from .lr_range import lr_range
from .noise_scale import NoiseScale, noise_scale
from .per_example import per_example_grads
from .signals import Signals, SignalStats, forward_backward_std, signals
from .step_trace import StepTrace, step_trace

__all__ = [
    "ICS",
    "DeadUnits",
    "GradNoise",
    "GradNormTrace",
    "GradientPath",
    "LossRange",
    "NoiseScale",
    "Predictiveness",
    "SignalStats",
    "Signals",
    "StepTrace",
    "dead_fraction",
    "effective_beta",
    "effective_lr",
    "forward_backward_std",
    "grad_noise",
    "grad_norm_trace",
    "grad_norms",
    "grad_predictiveness",
    "gradient_path",
    "ics",
    "loss_range",
    "lr_range",
    "noise_scale",
    "per_example_grads",
    "signals",
    "step_trace",
    "weight_grad_norms",
]
