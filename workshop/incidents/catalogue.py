"""The list of incidents, and the choice of one by a seed."""

import random
from collections.abc import Collection

from workshop.incidents.cases import (
    concurrency_zero,
    pattern_narrowed,
    permission_removed,
    poison_message,
    publish_denied,
    reconciler_stopped,
    rule_disabled,
    stock_invalid,
    timeout_short,
    undelivered_lost,
    write_denied,
)
from workshop.incidents.incident import Incident

_CASES = (
    *(rule_disabled, publish_denied, permission_removed, stock_invalid),
    *(pattern_narrowed, concurrency_zero, timeout_short, poison_message),
    *(write_denied, reconciler_stopped, undelivered_lost),
)
"""The easier ones first. A seed counts through this list."""

LARGEST_SEED = 9999


def of_seed(seed: int) -> Incident:
    """Return the incident of a seed with its details: always the same for the same seed.

    Args:
        seed: From 1 to `LARGEST_SEED`.
    """
    case = _CASES[(seed - 1) % len(_CASES)]
    found: Incident = case.incident(random.Random(seed))
    return found


def titles() -> dict[str, str]:
    """Return the title of each incident by its name."""
    known = [of_seed(seed) for seed in range(1, len(_CASES) + 1)]
    return {each.name: each.title for each in known}


def choose(solved: Collection[str]) -> int:
    """Return the seed of an incident that is not solved yet; of any if all are solved.

    Args:
        solved: The names of the solved incidents.
    """
    names = list(titles())
    places = [place for place, name in enumerate(names) if name not in solved]
    place = random.choice(places or range(len(names)))
    return place + 1 + len(names) * random.randrange(LARGEST_SEED // len(names))
