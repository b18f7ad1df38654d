"""Build a waterfall from hops and delivery records."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from local_cloud.delivery.delivery_log import Delivery
from workshop.errors import WorkshopError
from workshop.journeys.hops import Hop
from workshop.journeys.waterfall.causation import (
    arrows_between,
    status_changes,
    with_manual_sources,
    with_repetitions,
)
from workshop.journeys.waterfall.delivery_records import Attempts, times
from workshop.journeys.waterfall.function_logs import logged_runs
from workshop.journeys.waterfall.model import Bar, Run, Waterfall, order

FROM_LOGS_ALONE = "From the logs alone: waits, and refused or dropped events, are not shown."


def waterfall_of(
    hops: Iterable[Hop],
    deliveries: Iterable[Delivery] | None = None,
    functions: Mapping[str, str] | None = None,
) -> Waterfall:
    """Return an order's waterfall.

    Args:
        hops: What the functions logged about the order.
        deliveries: The local cloud's records of its deliveries; None on AWS, which has none.
        functions: A function's name → its key, for the names in the delivery records. A name that
            is missing is used as it is.

    Raises:
        WorkshopError: There is neither a hop nor a delivery.
    """
    logged, records = sorted(hops), list(deliveries or ())
    if not logged and not records:
        raise WorkshopError("No function has logged anything about this order yet.")
    began = min([*(hop.at for hop in logged), *(times(record)[0] for record in records)])
    attempts = Attempts(began, functions or {}, records)
    runs = attempts.joined(logged_runs(logged, began, known=bool(records)))
    runs = with_manual_sources(runs)
    first = min(run.arrived for run in runs)
    runs = sorted((_shifted(run, first) for run in runs), key=order)
    arrows = arrows_between(runs)
    return Waterfall(
        began=began,
        end=max(max(run.start, run.end or 0.0, *(bar.end for bar in run.bars)) for run in runs),
        runs=tuple(with_repetitions(runs, arrows)),
        arrows=tuple(arrows),
        statuses=tuple(status_changes(runs)),
        notes=() if deliveries is not None else (FROM_LOGS_ALONE,),
    )


def _shifted(run: Run, first: float) -> Run:
    return replace(
        run,
        start=run.start - first,
        end=None if run.end is None else run.end - first,
        sent=None if run.sent is None else run.sent - first,
        bars=tuple(Bar(bar.kind, bar.start - first, bar.end - first) for bar in run.bars),
    )
