r"""Which lab holds which exercises."""

from coursekit.labs.registry import Lab

__all__ = ["LABS"]

LABS: tuple[Lab, ...] = ()
