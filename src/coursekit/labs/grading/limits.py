r"""What one submission may use."""

from __future__ import annotations

from dataclasses import dataclass, field

from coursekit.labs.grading.values import Sizes

__all__ = ["IDLE", "Limits"]

IDLE = 2**30  # more than an idle worker keeps in memory


@dataclass(frozen=True)
class Limits:
    """Bound what one submission may use.

    Args:
        question: Seconds for all calls of one question, visible or hidden.
        cell: Seconds for one cell of the notebook.
        race: Seconds for the race of the open task.
        submission: Seconds for all cells and calls of a submission together, those
            after a restart included; what the grader computes is not counted.
        memory: Bytes that it may ask for beyond what an idle worker has mapped.
        scratch: Bytes of its only writable directory, and of one file.
        processes: Processes and threads.
        sizes: Caps of one frame that comes out.
    """

    question: float = 20.0
    cell: float = 20.0
    race: float = 10.0
    submission: float = 120.0
    memory: int = 2 * 2**30
    scratch: int = 64 * 2**20
    processes: int = 64
    sizes: Sizes = field(default_factory=Sizes)

    def inside(self, mapped: int) -> dict[str, int]:
        """Give the limits that the worker sets on itself before any cell runs.

        Args:
            mapped: Bytes of address space that it has now; a torch built for CUDA
                maps some gigabytes of libraries.

        Returns:
            Values by the names that the worker knows.
        """
        return {
            "memory": self.memory + mapped,
            "cpu": int(2 * self.submission) + 10,
            "file": self.scratch,
            "files": 256,
            "processes": self.processes,
        }
