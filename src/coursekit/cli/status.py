r"""What the commands share: what their exit status says, and an option."""

__all__ = ["GRADEBOOK", "INTERRUPTED", "NO_SANDBOX", "USAGE_ERROR"]

USAGE_ERROR, NO_SANDBOX, INTERRUPTED = 2, 3, 130
GRADEBOOK = (
    "database of the gradebook, postgresql://USER@HOST/NAME say; OUT remembers it "
    "(default: gradebook.db in OUT). Rather than in the URL, give a password in "
    "PGPASSWORD or ~/.pgpass"
)
