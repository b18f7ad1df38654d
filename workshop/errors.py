"""What can go wrong in ways that a person can be told about in one sentence."""


class WorkshopError(Exception):
    """Something expected went wrong; the message says what, and what to do about it."""

    exit_code = 1


class UsageError(WorkshopError):
    """The command cannot be understood, or this machine lacks something it needs."""

    exit_code = 2
