r"""Do with real processes what the rest of ``coursekit.parallel`` simulates.

Every function here is called by all processes of a group, each with its own
part of the work, as in any program that ``torchrun`` starts::

    python -m torch.distributed.run --standalone --nproc-per-node 2 \
        -m coursekit.parallel.distributed

runs all of them on this machine and compares each with a single process.
Inside a notebook ``launch`` does the same for a function of your own module.
The processes talk over gloo; on one machine that is the loopback device.
"""

from .all_reduce import average_gradients, broadcast_model, data_parallel_step
from .ddp import ddp_gradients
from .group import launch, process_group
from .pipeline import split_step
from .server import serve, work

__all__ = [
    "average_gradients",
    "broadcast_model",
    "data_parallel_step",
    "ddp_gradients",
    "launch",
    "process_group",
    "serve",
    "split_step",
    "work",
]
