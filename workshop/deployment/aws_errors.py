"""What AWS refused, or did not answer, in a sentence."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from orderflow.errors import OrderflowError
from workshop.errors import WorkshopError

EXPIRED = (
    "The AWS credentials have expired in the middle of it. Get new ones and run the same command "
    "again: it goes on from there."
)
EXPIRED_PATTERN = re.compile(r"ExpiredToken|RequestExpired|(?:token|credentials).{0,40}expired")


@contextmanager
def aws_errors() -> Iterator[None]:
    """Report in a sentence that AWS refused a request, or did not answer.

    Raises:
        WorkshopError: AWS refused, or did not answer.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (ClientError, OrderflowError) as error:
        if EXPIRED_PATTERN.search(str(error)):
            raise WorkshopError(EXPIRED) from error
        raise WorkshopError(f"AWS did not do what it was asked: {error}") from error
    except BotoCoreError as error:
        raise WorkshopError(f"AWS did not answer: {error}") from error
