"""AWS clients, made once when a function starts."""

from typing import Any

import boto3
from botocore.config import Config

_CONFIG = Config(
    connect_timeout=2,
    read_timeout=5,
    # Well inside every function's own time limit.
    retries={"mode": "standard", "total_max_attempts": 3},
)


def client(service: str) -> Any:
    """Return a boto3 client whose retries end before its function's time does."""
    return boto3.client(service, config=_CONFIG)
