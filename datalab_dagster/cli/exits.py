"""How a command ends: exit codes, and Ctrl-C with a sentence; imports nothing."""

PASSED, FAILED, WRONG_USAGE, NOT_CARRIED_OUT, INTERRUPTED = 0, 1, 2, 3, 130
"""Exit codes: checked and passed; checked and failed; wrong call or configuration; not possible; Ctrl-C."""
UNDECIDED = 4
"""Exit code: there is no verdict on the data provisioned now."""


class Stopped(KeyboardInterrupt):
    """Ctrl-C, with a sentence that says what continues or is kept."""
