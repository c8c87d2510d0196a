r"""Name what a critical point can be."""

from enum import StrEnum

__all__ = ["Kind"]


class Kind(StrEnum):
    r"""Name what is known of a critical point; each value is a plain word.

    Attributes:
        MINIMUM: Every direction goes up.
        MAXIMUM: Every direction goes down.
        SADDLE: Some directions go up, some down.
        UNDECIDED: Second derivatives do not tell.

    Example:
        >>> Kind.SADDLE == "saddle", f"a {Kind.SADDLE}"
        (True, 'a saddle')
    """

    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    SADDLE = "saddle"
    UNDECIDED = "undecided"
