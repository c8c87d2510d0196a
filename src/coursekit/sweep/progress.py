r"""Show how far a sweep is: one bar, which counts models times updates."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from tqdm.auto import tqdm

from .plan import Task

__all__ = ["Progress"]


class Progress:
    """Count the updates of all models.

    Args:
        total: Updates of all models together.
        show: Whether anything is shown.
    """

    def __init__(self, total: int, show: bool) -> None:
        self.bar = tqdm(total=total, unit=" updates", unit_scale=True, disable=not show)
        self.show, self.ended = show, 0
        self.running: dict[Hashable, int] = {}

    def say(self, text: str) -> None:
        """Print a line above the bar.

        Args:
            text: The line.
        """
        if self.show:
            self.bar.write(f"sweep: {text}")

    def at(self, task: Task, updates: int) -> None:
        """Note where a block is.

        Args:
            task: The block.
            updates: Made by each of its models.
        """
        self.running[task.rows] = updates * len(task.rows)
        self._move()

    def end(self, task: Task, finished: bool = True) -> None:
        """Note that a block has ended.

        Args:
            task: The block.
            finished: Whether it counts; what died or failed is made again.
        """
        self.running.pop(task.rows, None)
        self.ended += task.steps * len(task.rows) * finished
        self._move()

    def _move(self) -> None:
        self.bar.update(self.ended + sum(self.running.values()) - self.bar.n)

    def ticker(self, task: Task, go_on: Callable[[], bool]) -> Callable[[int], bool]:
        """Make the function that a block in this process calls before each update.

        Args:
            task: The block.
            go_on: Whether the block may go on.

        Returns:
            The function.
        """

        def tick(t: int) -> bool:
            self.at(task, t)
            return go_on()

        return tick

    def close(self) -> None:
        """Take the bar away."""
        self.bar.close()
