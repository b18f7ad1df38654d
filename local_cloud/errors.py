"""The errors that the package raises."""


class LocalCloudError(Exception):
    """The local cloud cannot do this; the message says why, and what to do."""

    exit_code = 1


class NoAnswerError(LocalCloudError):
    """A local cloud does not respond. It may be paused or busy, so its state is unknown."""


class NotStorableError(Exception):
    """A running local cloud cannot store its stack, so it does not stop."""
