r"""The command ``coursekit``: the instructor's side of the labs.

Each command imports what it needs when it runs, so that ``--help`` is instant.

* `program` -- the parser, and what an exit status means.
* `grading` -- ``grade``, with ``--doctor``.
* `course` -- ``release``, ``collect``, ``export`` and ``mark``.
"""

from coursekit.cli.program import main

__all__ = ["main"]
