"""What AWS refused, or did not answer, in a sentence."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from orderflow.errors import OrderflowError
from workshop.errors import WorkshopError

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

EXPIRED = (
    "The AWS credentials have expired in the middle of it. Get new ones and run the same command "
    "again: it goes on from there."
)
EXPIRED_PATTERN = re.compile(r"ExpiredToken|RequestExpired|(?:token|credentials).{0,40}expired")

LOGIN = (
    "After `aws login`, give its credentials to Terraform and Python: "
    'eval "$(aws configure export-credentials --format env)"'
)
"""What to do with a session of `aws login`, which neither reads by itself."""

NOT_FOUND = re.compile("NotFound|NonExistent|DoesNotExist")
"""In the codes with which AWS says that something is not there."""

_THROTTLED = {"ThrottlingException", "Throttling", "ThrottledException", "TooManyRequestsException"}


def is_throttled(error: "ClientError") -> bool:
    """Return whether AWS refused a request only because there are too many of its kind."""
    return error.response["Error"]["Code"] in _THROTTLED


@contextmanager
def aws_errors() -> Iterator[None]:
    """Report in a sentence that AWS refused a request, or did not answer.

    Raises:
        WorkshopError: AWS refused, or did not answer.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (ClientError, OrderflowError, BotoCoreError) as error:
        raise WorkshopError(explain(error)) from error


def explain(error: Exception) -> str:
    """Return what it means that AWS refused a request, or did not answer."""
    from botocore.exceptions import BotoCoreError

    if isinstance(error, BotoCoreError):
        return f"AWS did not answer: {error}"
    if EXPIRED_PATTERN.search(str(error)):
        return EXPIRED
    sentence = f"AWS did not do what it was asked: {error}"
    if NOT_FOUND.search(sentence):
        return f"{sentence.rstrip('.')}. `make status` shows what is missing."
    return sentence
