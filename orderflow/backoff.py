"""How long to wait before trying again."""

import random

LONGEST_FIRST_PAUSE_SECONDS = 0.1


def pause(attempt: int) -> float:
    """Return the seconds to wait before a second (1), third (2) … try: full jitter, doubling."""
    return LONGEST_FIRST_PAUSE_SECONDS * 2.0 ** (attempt - 1) * random.random()
