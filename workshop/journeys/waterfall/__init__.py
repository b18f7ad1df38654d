"""An order's waterfall: which function ran when, what each run waited for, and what caused it.

It is built from hops and from the local cloud's delivery records. On AWS there are no delivery
records: hops have no queueing time, and no event that was dropped or refused; `notes` says so.
"""

from workshop.journeys.waterfall.building import FROM_LOGS_ALONE, waterfall_of
from workshop.journeys.waterfall.model import (
    BAD,
    RECONCILER,
    REDRIVE,
    Arrow,
    Bar,
    Kind,
    Result,
    Run,
    StatusChange,
    Waterfall,
)

__all__ = [
    "BAD",
    "FROM_LOGS_ALONE",
    "RECONCILER",
    "REDRIVE",
    "Arrow",
    "Bar",
    "Kind",
    "Result",
    "Run",
    "StatusChange",
    "Waterfall",
    "waterfall_of",
]
