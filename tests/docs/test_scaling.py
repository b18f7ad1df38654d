"""The model of scaling and cost: what it says follows, and the pages say what it says."""

import heapq
import random
import re
from dataclasses import replace
from pathlib import Path

import pytest
from inventory_service import store as inventory
from recovery.redrive import request as redrive

from devtools.documents.regions import fresh
from devtools.scaling import (
    alarms,
    ceilings,
    contention,
    cost,
    files,
    healing,
    latency,
    order,
    tables,
)
from devtools.scaling.data import looked_up, prices, quotas
from devtools.scaling.order import usual
from workshop.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]
COST, SCALING = ROOT / "docs/cost.md", ROOT / "docs/scaling.md"
RECONCILER = "05-errors-dlq/recovery/reconcile/handler.py"


def one_place(path: str, pattern: str) -> str:
    """What the one place that matches says."""
    (found,) = set(re.findall(pattern, (ROOT / path).read_text("utf-8")))
    return found


def said(page: Path) -> str:
    return " ".join(page.read_text("utf-8").split())


def rates() -> dict[str, float]:
    return {one.name: one.rate for one in ceilings.ceilings(usual())}


@pytest.mark.parametrize("page", [COST, SCALING], ids=lambda page: page.name)
def test_the_tables_are_what_the_model_says(page):
    assert fresh(page, page.read_text("utf-8")) == page.read_text("utf-8")


def test_an_unknown_table_is_named():
    with pytest.raises(UsageError, match=r"no table 'bills'.*bill"):
        tables.region("bills", COST)


def test_a_usual_order_costs_33_dollars_a_million():
    """The exact sum, rounded once; the lines of the table, rounded each, differ by a dollar."""
    assert cost.a_million(usual()) == pytest.approx(32.6, abs=0.1)
    assert "About $33 per million orders, nearly a third of it the Orders table" in said(COST)
    orders = order.units_by_table(usual())["orders"] * prices()["dynamodb-write"].each * 1e6
    assert 0.3 < orders / 33 < 1 / 3


def test_the_prose_says_what_the_model_says():
    """Figures in sentences, which nothing generates."""
    model, page = rates(), said(SCALING)
    assert f"With {model['one SKU that everybody wants: conflicts']:.0f} orders a second" in page
    assert f"Long before the {model['one SKU that everybody wants: writes']:.0f} writes" in page
    busy, slow = (order.run_seconds(replace(usual(), gateway_seconds=n)) for n in (0, 1))
    assert f"{busy:g} s an order here, so 1,000 at once are {1000 / busy:,.0f} orders" in page
    assert f"makes it {slow:g} s, and {1000 / slow:.0f} orders" in page
    assert f"would cost {cost.provisioned_share():.0%} of".replace("%", " %") in page
    for guess in ("run_seconds", "conflict_seconds"):
        assert f"({order.assumed(guess) * 1000:.0f} ms)" in page
    assert f"({order.assumed('cold_start_seconds'):g} s)" in page
    assert f"{healing.reconciler_rate():.1f} a second" in page
    assert f"hands over about {healing.redrive_rate(usual()):.0f} a second" in page
    assert f"(`--rate {redrive.FASTEST:.0f}` lets it; {redrive.RATE:.0f} is usual)" in page


def test_a_larger_order_costs_what_the_prose_says():
    def exact(lines):
        bill = cost.bill(replace(usual(), lines=lines))
        return sum(line.dollars_a_million for line in bill)

    assert f"Twice the lines cost {100 * (exact(4) / exact(2) - 1):.0f} % more" in said(SCALING)
    assert 1.75 < exact(20) / exact(2) < 2  # "not quite twice as much"


def test_what_is_beside_the_sum_is_as_documented():
    page = said(COST)
    a_million_kept = cost.kept_a_month(1e6 / cost.SECONDS_A_MONTH, usual())
    assert f"cost ${a_million_kept:.1f}0 every month" in page
    share = quotas()["tracing-share"].value
    assert f"{share * 100:.0f} % of the runs, up to ${cost.traces_a_million(share):.0f}" in page
    assert f"${prices()['metric'].dollars:.2f} a month each beyond the first ten" in page
    assert f"${cost.metrics_a_month():.2f} while orders are shipped" in page
    kilobytes = order.events() * order.assumed("event_bytes") / 1000
    assert f"about {kilobytes:.0f} kB an order" in page
    assert f"{alarms.number()} alarms cost ${prices()['alarm'].dollars:.2f} each a month" in page
    assert f"about ${cost.alarms_a_month(alarms.number()):.0f}," in page


def test_the_bus_takes_twice_as_long_as_the_functions():
    bus = sum(hop.usual for hop in latency.way(usual()) if hop.what.startswith("bus"))
    functions = sum(hop.usual for hop in latency.way(usual())) - bus
    assert 1.9 < bus / functions < 2.5


@pytest.mark.parametrize(
    ("name", "rate"),
    [
        ("our own throttle of the API", 100),
        ("index open-orders", 1000 / 2),  # in, out
        ("index by-status", 1000 / 2),  # an entry of one to two kilobytes
        ("table Orders, new", 4000 / 10),  # five writes of two kilobytes
        ("one SKU that everybody wants: writes", 1000 / 2),  # in a transaction
        ("Lambda in any account", 1000 / 0.4),  # eight runs of 50 ms
        ("PutEvents", 10_000 / 4),
        ("deliveries of the bus", 18_750 / 7),
    ],
)
def test_a_ceiling_is_its_quota_divided_by_what_an_order_takes(name, rate):
    assert rates()[name] == pytest.approx(rate)


def test_ceilings_are_in_order_and_say_what_to_do():
    found = ceilings.ceilings(usual())
    assert [one.rate for one in found] == sorted(one.rate for one in found)
    assert all(one.because and one.then and one.remedy for one in found)
    assert all(one.quota in quotas() or one.estimated for one in found)


def test_a_slow_gateway_takes_room_and_money():
    """Payment waits, at work: one second more for every order."""
    slow = replace(usual(), gateway_seconds=1.0)
    assert ceilings.concurrency(10, slow) == pytest.approx(ceilings.concurrency(10, usual()) + 10)
    assert cost.a_month(1, slow) > cost.a_month(1, usual())


def test_a_stock_divided_bears_so_many_times_the_orders():
    assert contention.bearable_rate(0.01, 4) == pytest.approx(4 * contention.bearable_rate(0.01))
    at_the_edge = contention.left_over(contention.bearable_rate(0.01), 0.01)
    assert at_the_edge == pytest.approx(contention.TOLERATED, rel=0.01)
    assert contention.TRIES == inventory.ATTEMPTS


@pytest.mark.parametrize("rate", [50, 80, 150])
def test_conflicts_are_as_many_as_in_a_simulation(rate):
    """Orders at random times, one item, six tries with the store's own pauses."""
    chance = random.Random(6)
    moment, waiting = 0.0, []
    for number in range(10_000):
        moment += chance.expovariate(rate)
        waiting.append((moment, number, 1))
    free_from, left_over = 0.0, 0
    while waiting:
        moment, number, attempt = heapq.heappop(waiting)
        if moment >= free_from:
            free_from = moment + 0.01
        elif attempt == contention.TRIES:
            left_over += 1
        else:
            again = moment + 0.1 * 2 ** (attempt - 1) * chance.random()
            heapq.heappush(waiting, (again, number, attempt + 1))
    assert left_over / 10_000 == pytest.approx(contention.left_over(rate, 0.01), rel=0.15)


def test_limits_of_our_own_are_those_of_the_code():
    api = "01-order-service/terraform/api.tf"
    recovery = "05-errors-dlq/terraform/recovery.tf"
    own = {
        "own-throttle": one_place(api, r"throttling_rate_limit\s*= (\d+)"),
        "reconciler-orders": one_place(recovery, r'ORDERS_PER_RUN\s*= "(\d+)"'),
        "reconciler-minutes": one_place(recovery, r"run_every_minutes = (\d+)"),
        "redrive-rate": redrive.FASTEST,
    }
    assert {name: quotas()[name].value for name in own} == {n: float(v) for n, v in own.items()}


def test_what_is_taken_for_granted_is_so():
    module = "terraform/modules/event-function/variables.tf"
    memory = one_place(module, r'variable "memory_mb" \{[^}]*default\s*= (\d+)')
    assert order.assumed("memory_gb") == int(memory) / 1024
    told = one_place(RECONCILER, r"TOLD = \((.*)\)")
    assert order.assumed("metrics_of_reconciler") == 1 + len(told.split(","))


def test_every_figure_has_a_source():
    for name, one in {**prices(), **quotas()}.items():
        page = one.source.page
        assert page.startswith("https://") or (ROOT / "docs" / page).exists(), name
    assert looked_up().region == "us-east-1"


def test_a_picture_is_the_same_whenever_it_is_drawn():
    """And shows every ceiling with its rate, as text that can be searched."""
    for draw in (files.ceilings_picture, files.hot_sku_picture):
        assert draw() == draw()
        assert b"dc:date" not in draw()
    drawn = files.ceilings_picture().decode()
    for one in ceilings.ceilings(usual()):
        assert one.name in drawn
        assert f">{tables.shown(one)}</text>" in drawn
