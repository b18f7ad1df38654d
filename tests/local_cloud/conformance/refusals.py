"""What a cloud answers to a request that it refuses."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError


def refusal(operation: Callable[..., Any], **parameters: Any) -> tuple[str, str]:
    """Return the code and the message with which an operation is refused."""
    with pytest.raises(ClientError) as refused:
        operation(**parameters)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]
