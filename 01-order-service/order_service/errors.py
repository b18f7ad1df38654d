"""What the order service answers with a 4xx, one class each; the docstring is the title."""

from orderflow.errors import PermanentError


class RequestError(PermanentError):
    """The request cannot be served."""

    status = 400

    def __init__(self, *faults: str) -> None:
        """Take every fault, each a sentence without personal data."""
        super().__init__("; ".join(faults))
        self.faults = list(faults)


class MalformedRequestError(RequestError):
    """The request cannot be read."""


class OversizedRequestError(RequestError):
    """The request is too large."""

    status = 413


class InvalidOrderError(RequestError):
    """The order has faults."""

    status = 422

    def __init__(self, faults: list[str]) -> None:
        """Take every fault there is."""
        super().__init__(*faults)


class IdempotencyConflictError(RequestError):
    """The Idempotency-Key was used for a different order."""

    status = 409


class NotFoundError(RequestError):
    """There is nothing here."""

    status = 404
