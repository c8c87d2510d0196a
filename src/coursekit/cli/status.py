r"""What the exit status of a command says."""

__all__ = ["INTERRUPTED", "NO_SANDBOX", "USAGE_ERROR"]

USAGE_ERROR, NO_SANDBOX, INTERRUPTED = 2, 3, 130
