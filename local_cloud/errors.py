"""The error that every part of the package raises."""


class LocalCloudError(Exception):
    """The local cloud cannot do what was asked; the message says why, and what to do."""

    exit_code = 1
