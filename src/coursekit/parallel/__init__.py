r"""Train one model with several workers: split data, split layers, share parameters.

======================  ======================  =================================
what is divided         function                what the workers send
======================  ======================  =================================
the batch               ``data_parallel_step``  gradients, one sum an update
the layers              ``SplitModel``          activations and their gradients
the batch, then layers  ``hybrid_step``         both, each where it is smaller
the time                ``ParameterServer``     gradients up, parameters down
the memory              ``hogwild_sim``         nothing: they write to one array
======================  ======================  =================================

The first three compute the gradient of the whole batch, exactly; the last two
compute gradients at parameters that others have changed meanwhile, and
``largest_stable_lr`` says what that costs. All five run simulated workers in
one process, one after the other, so that a seed fixes every number;
``distributed`` has the same for real processes, and ``hogwild`` races on real
shared memory. Training of many *settings* side by side is no matter of this
part: such runs share nothing.
"""

from . import distributed
from .data_parallel import data_parallel_step
from .delayed import (
    companion_matrix,
    delayed_gradient_descent,
    largest_stable_lr,
    spectral_radius,
)
from .hogwild import Hogwild, SparseRows, hogwild
from .hogwild_sim import (
    HogwildRun,
    Regression,
    hogwild_sim,
    overlap,
    sparse_regression,
)
from .hybrid import hybrid_step
from .parameter_server import ParameterServer, Push
from .pipeline import Schedule, Task, bubble_fraction, pipeline_schedule
from .processes import WorkerLost, run_processes
from .server_run import ServerRun, run_workers
from .shards import Gradients, Shards, mean_loss_gradient, set_grads
from .split_model import SplitModel
from .stage import Stage, loss_signal

__all__ = [
    "Gradients",
    "Hogwild",
    "HogwildRun",
    "ParameterServer",
    "Push",
    "Regression",
    "Schedule",
    "ServerRun",
    "Shards",
    "SparseRows",
    "SplitModel",
    "Stage",
    "Task",
    "WorkerLost",
    "bubble_fraction",
    "companion_matrix",
    "data_parallel_step",
    "delayed_gradient_descent",
    "distributed",
    "hogwild",
    "hogwild_sim",
    "hybrid_step",
    "largest_stable_lr",
    "loss_signal",
    "mean_loss_gradient",
    "overlap",
    "pipeline_schedule",
    "run_processes",
    "run_workers",
    "set_grads",
    "sparse_regression",
    "spectral_radius",
]
