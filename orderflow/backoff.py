"""How long to wait before trying again."""

import random

MAX_FIRST_BACKOFF_SECONDS = 0.1


def backoff_seconds(attempt: int) -> float:
    """Return the seconds to wait before a second (1), third (2) … try: full jitter, doubling."""
    return MAX_FIRST_BACKOFF_SECONDS * 2.0 ** (attempt - 1) * random.random()
