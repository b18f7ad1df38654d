"""What can go wrong in a step, by what should happen next.

A business ending (declined, out of stock) is no error: it is an event.
"""


class OrderflowError(Exception):
    """Any error that this project raises itself; its message never holds personal data."""


class PermanentError(OrderflowError):
    """Trying again cannot help: the event ends in the dead-letter queue with this reason."""


class TransientError(OrderflowError):
    """Trying again may help: Lambda retries the event."""


class InvalidEventError(PermanentError):
    """The event breaks the contract."""


class AwsRequestError(TransientError):
    """AWS did not do what it was asked: throttled, unavailable, or not allowed."""


class PublishError(TransientError):
    """The bus did not take an event."""


class UnexpectedError(OrderflowError):
    """An unexpected error, by its type alone: its text might quote what it failed on."""


class SettingsError(OrderflowError):
    """The function's environment lacks something it needs."""
