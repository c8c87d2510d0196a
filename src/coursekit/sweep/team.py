r"""Run the blocks of a sweep in processes of this machine, and lose none.

A worker is a process with one torch thread that trains one block after the other:
blocks do not compete for threads, and a worker that is killed takes down its block
alone. A fork has the data and the model's factory without copying; a new
interpreter gets the job once, as bytes.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import warnings
from multiprocessing import connection
from typing import Any

from .ledger import Ledger
from .plan import Task
from .progress import Progress
from .run import Job
from .serve import NoWorkersError, packed, send, serve

__all__ = ["run_in_processes"]

POLL = 0.1
PATIENCE = 5.0


def run_in_processes(
    job: Job, ledger: Ledger, progress: Progress, workers: int, how: str
) -> None:
    """Run the blocks in processes of this machine.

    Args:
        job: What all blocks share.
        ledger: The blocks.
        progress: Hears of every update.
        workers: Number of processes.
        how: ``"fork"`` or ``"spawn"``.

    Raises:
        NoWorkersError: If a process cannot be started; no block is lost by it.
    """
    team = Team(job, workers, how)
    try:
        while True:
            team.hand_out(ledger)
            if not team.busy:
                return
            team.shared[-1] = ledger.stopping
            for worker in team.heard(POLL):
                team.listen(worker, ledger, progress)
            for worker in team.busy:
                if worker.task is not None:
                    progress.at(worker.task, team.shared[worker.number])
    except NoWorkersError:
        ledger.waiting.extendleft(w.task for w in team.busy if w.task is not None)
        raise
    finally:
        team.dismiss()


class Worker:
    """Hold one process, the pipe to it and the block it has.

    Args:
        team: To which it belongs.
        number: Its place there.
    """

    def __init__(self, team: Team, number: int) -> None:
        self.number, self.ready = number, False
        self.task: Task | None = None
        self.pipe, theirs = team.context.Pipe()
        args = (theirs, team.load, team.shared, number, os.getpid())
        process = team.context.Process(target=serve, args=args, daemon=True)
        try:
            with warnings.catch_warnings():
                # a fork beside threads: workers touch nothing that a thread may hold
                warnings.simplefilter("ignore", DeprecationWarning)
                process.start()
        except (OSError, RuntimeError, TypeError, pickle.PicklingError) as error:
            raise NoWorkersError(f"{type(error).__name__}: {error}") from error
        finally:
            theirs.close()
        self.process: Any = process

    @property
    def speaks(self) -> bool:
        """Whether there is something to hear: a message, or the end."""
        return self.pipe.poll() or not self.process.is_alive()

    def ending(self) -> str:
        """Say how the process ended.

        Returns:
            Words.
        """
        self.process.join(PATIENCE)
        code = self.process.exitcode or 0
        if code >= 0:
            return f"exit status {code}"
        return f"killed by signal {-code}"

    def kill(self) -> None:
        """End the process, whatever it does, and forget it."""
        self.process.kill()
        self.process.join(PATIENCE)
        self.pipe.close()


class Team:
    """Hold the workers of one sweep.

    Args:
        job: What all blocks share.
        size: Number of workers.
        how: ``"fork"`` or ``"spawn"``.
    """

    def __init__(self, job: Job, size: int, how: str) -> None:
        self.context: Any = multiprocessing.get_context(how)
        self.load = job if how == "fork" else packed(job)
        # updates made by each worker in its block, and whether all are to stop
        self.shared = self.context.RawArray("q", size + 1)
        self.size = size
        self.workers: dict[int, Worker] = {}

    @property
    def busy(self) -> list[Worker]:
        """Workers that have a block, or have not said yet that they are there."""
        return [w for w in self.workers.values() if w.task is not None or not w.ready]

    def hand_out(self, ledger: Ledger) -> None:
        """Give each idle worker a block, and start workers that are missing.

        Args:
            ledger: The blocks.
        """
        for number in range(self.size):
            worker = self.workers.get(number)
            if worker is None and ledger.waiting and not ledger.stopping:
                self.workers[number] = Worker(self, number)
            elif worker and worker.ready and worker.task is None:
                worker.task = ledger.take()
                if worker.task is not None:
                    self.shared[number] = 0
                    send(worker.pipe, worker.task)

    def heard(self, seconds: float) -> list[Worker]:
        """Wait until a worker says something.

        Args:
            seconds: At most so long.

        Returns:
            Those that did, and those that have died.
        """
        connection.wait([worker.pipe for worker in self.busy], seconds)
        return [worker for worker in self.busy if worker.speaks]

    def listen(self, worker: Worker, ledger: Ledger, progress: Progress) -> None:
        """Hear what a worker says, and enter it.

        Args:
            worker: The worker.
            ledger: The blocks.
            progress: Hears of ended blocks.

        Raises:
            NoWorkersError: If the worker died before it had begun.
        """
        try:
            kind, content = pickle.loads(worker.pipe.recv_bytes())
        except (EOFError, OSError, pickle.UnpicklingError):
            kind, content = "died", worker.ending()
        task, worker.task = worker.task, None
        if kind == "died":
            del self.workers[worker.number]
            worker.kill()
        if kind == "ready":
            worker.ready = True
        elif task is None:
            raise NoWorkersError(content)
        else:
            progress.end(task, finished=kind == "record")
            enter = {"record": ledger.finished, "failed": ledger.failed}
            enter.get(kind, ledger.died)(task, content)

    def dismiss(self) -> None:
        """End all workers."""
        for worker in self.workers.values():
            worker.kill()
