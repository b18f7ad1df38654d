"""All cells are tried once on a stack, and every test looks at what came of it."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from devtools.reliability import record
from local_cloud.control import Control
from tests.fixtures.recovery import Recovery
from tests.wire.faults import Cell
from workshop.journeys import order_rows
from workshop.orders import api_client
from workshop.stages import flow

if (
    TYPE_CHECKING
):  # the proxy's libraries are slow to import, and no test without a cloud needs them
    from tests.wire.campaign import Trial
    from tests.wire.proxy import Request

WHAT = (
    "A proxy is between the deployed functions and the local cloud.",
    "It injects every kind of fault at every AWS call that a function makes for an order: a cell.",
    "A fault hits one request, all attempts of the SDK's call, or the retries of Lambda, too.",
    "The calls come from a recorded run without faults.",
    "After each cell the order is final, and its books balance.",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that writes the report's record."""
    parser.addoption(
        "--record-wire", action="store_true", help="write the figures into the report's record"
    )


@dataclass
class Outcome:
    """What came of all cells.

    Attributes:
        cells: Every fault at every call.
        trials: The orders, and which fault was tried on which.
        requests: What the functions sent, in order.
        rows: Order id → table → row, in the end.
        taken: The units that are gone from the stock of what the shipped orders have.
        dead_letters: What the queues hold of the orders in the end.
    """

    cells: list[Cell]
    trials: list["Trial"]
    requests: list["Request"]
    rows: dict[str, dict[str, order_rows.Row]]
    taken: int
    dead_letters: list[dict[str, object]]

    @property
    def hits(self) -> dict[Cell, list["Request"]]:
        """Return the requests that got each fault."""
        found, cells = defaultdict(list), set(self.cells)
        for made in self.requests:
            if made.cell in cells:
                found[made.cell].append(made)
        return found


@pytest.fixture(scope="module")
def outcomes(request):
    """What came of all cells: one outcome, or none yet."""
    found = []
    yield found
    if request.config.getoption("--record-wire", default=False) and not request.session.testsfailed:
        _record(found[1])


@pytest.fixture
def outcome(stack, placed, outcomes):
    """What came of all cells; the first test that asks for it tries them."""
    if not outcomes:
        outcomes.append(None)  # if it fails, the other tests do not try again
        outcomes.append(_run(stack, placed))
    assert len(outcomes) == 2, "the cells could not be tried"
    return outcomes[1]


def _run(stack, placed):
    from tests.wire import campaign  # noqa: PLC0415 - see above
    from tests.wire.proxy import Proxy  # noqa: PLC0415 - see above

    control = Control(stack.target.endpoint_url, timeout=120)
    eventual = control.eventually_consistent()
    control.set_eventually_consistent(on=False)  # its duplicates would be more calls
    before = api_client.read_stock(stack, list(campaign.STOCK))
    api_client.delete_stock_item(stack, campaign.LATE_SKU)
    api_client.set_stock(
        stack, {sku: units for sku, units in campaign.STOCK.items() if sku != campaign.LATE_SKU}
    )
    try:
        with (
            Proxy(stack.target.endpoint_url, flow().functions) as proxy,
            campaign.through(stack, proxy),
        ):
            run = campaign.Campaign(stack, proxy)
            run.run()
        ids = list(dict.fromkeys(each.order_id for each in run.trials))
        found = campaign.at_once(lambda each: order_rows.rows(stack, each), ids)
        rows = dict(zip(ids, found, strict=True))
        sku = campaign.SKU_OF[campaign.SHIPPED]
        left = api_client.read_stock(stack, [sku])
        waiting = Recovery(stack).redrive(dry_run=True)["messages"]
        placed.update(ids)
        return Outcome(
            cells=run.cells,
            trials=run.trials,
            requests=proxy.requests,
            rows=rows,
            taken=campaign.STOCK[sku] - left[sku],
            dead_letters=[each for each in waiting if each["order_id"] in rows],
        )
    finally:
        api_client.set_stock(stack, before)
        control.set_eventually_consistent(on=eventual)


def _record(outcome: Outcome) -> None:
    """Write the figures of a run in which all tests passed."""
    calls = {(each.call.function, each.call.operation) for each in outcome.cells}
    cells = Counter(each.kind for each in outcome.cells)
    ended = Counter(each.recovered_by for each in outcome.trials if each.cell)
    faults = sum(map(len, outcome.hits.values()))
    record.write(
        record.Record(
            suite="wire",
            title="Faults on the wire",
            what=WHAT,
            command="make deployed ARGS='tests/wire --record-wire'",
            figures=[
                {"name": "functions", "value": len({function for function, _ in calls})},
                {"name": "AWS operations of the functions", "value": len(calls)},
                {"name": "calls", "value": len({each.call for each in outcome.cells})},
                {"name": "cells", "value": len(outcome.cells)},
                *({"name": f"cells: {kind}", "value": cells[kind]} for kind in sorted(cells)),
                {"name": "orders", "value": len(outcome.rows)},
                {"name": "requests of the functions", "value": len(outcome.requests)},
                {"name": "injected faults", "value": faults},
                *({"name": f"repaired by {by}", "value": ended[by]} for by in sorted(ended)),
            ],
        )
    )
