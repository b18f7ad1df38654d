"""The bench's record, and the table, picture and page that are made from it."""

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from rich.console import Console

from devtools.bench import losses, picture, record
from devtools.bench.figures import Figure, table_of
from devtools.bench.record import GROUPS, PICTURE, Machine, Record
from devtools.bench.under_faults import Losses, Outcome
from devtools.commands import bench
from devtools.documents import performance
from workshop.errors import WorkshopError

MISSED = Figure("a time", "ms", 12.0, "≤ 1.10 × its floor", met=False, floor=10.0)
QUIET = Machine("2026-01-15", "3.13.1", 2, 0.1, 8.0)


@pytest.fixture
def of_a_record(monkeypatch):
    """Let the page's producers read a record that a test makes."""

    def use(groups=None, machine=QUIET, by_fault=None):
        made = Record(machine, groups or {}, by_fault or {})
        monkeypatch.setattr(performance, "read", lambda: made)

    return use


def test_the_record_has_all_groups_of_figures():
    assert set(record.read().groups) == set(GROUPS)


def test_the_record_survives_json(tmp_path):
    made = record.read()
    record.write(made, tmp_path / "bench.json")
    assert record.read(tmp_path / "bench.json") == made


def test_the_picture_is_of_the_record():
    assert PICTURE.read_text("utf-8") == picture.svg(record.read())


def test_the_record_loses_and_doubles_no_order_of_ours():
    """And the faults were real: the conventional flow did not come through them."""
    figures = [each for each in record.read().groups["faults"] if each.budget == "0"]
    assert len(figures) == len(losses.WORDS) + 2
    assert all(each.met and each.measured == 0 for each in figures)
    assert sum(each.conventional for each in figures) > 0


def test_the_record_says_how_each_side_came_through_each_fault():
    for sides in record.read().by_fault.values():
        assert sides["ours"]["orders"] == sides["conventional"]["orders"] > 0


def test_a_lost_order_of_ours_misses_the_budget():
    outcomes = {
        "ours": Outcome({"a fault": Losses(orders=9, lost=1)}),
        "conventional": Outcome({"a fault": Losses(orders=9, charged_twice=2)}),
    }
    met = {each.what: (each.met, each.conventional) for each in losses.figures(outcomes)}
    assert met[f"orders of 9 that {losses.WORDS['lost']}"] == (False, 0)
    assert met[f"orders of 9 that {losses.WORDS['charged_twice']}"] == (True, 2)


def test_a_missed_budget_is_marked_in_the_terminal_and_on_the_page(of_a_record):
    console = Console(width=200)
    with console.capture() as shown:
        console.print(table_of([MISSED, replace(MISSED, what="another", met=True)]))
    lines = shown.get().splitlines()
    assert ["NO" in line for line in lines[1:]] == [True, False]
    of_a_record({"flow": [MISSED]})
    assert "| NO |" in performance.table("flow")
    assert performance.not_met() == "- a time: 12 ms, budget ≤ 1.10 × its floor"


def test_a_record_of_several_runs_says_so(of_a_record):
    of_a_record()
    assert "from one run of 8 minutes" in performance.machine()
    of_a_record(machine=replace(QUIET, minutes=None))
    assert "from several runs" in performance.machine()


def test_a_record_of_a_busy_machine_says_so(of_a_record):
    of_a_record()
    assert "Other programs" not in performance.machine()
    of_a_record(machine=replace(QUIET, load=3.0))
    assert "its load before the run was 3" in performance.machine()


def test_the_page_counts_lost_and_doubled_orders_by_fault(of_a_record):
    counts = vars(Losses(orders=9, lost=1, stuck=1, charged_twice=2, shipped_twice=3))
    of_a_record(by_fault={"a fault": {"ours": vars(Losses(orders=9)), "conventional": counts}})
    rows = performance.faults().splitlines()[2:]
    assert rows == [
        "| a fault | 9 | ours | 0 | 0 | 0 |",
        "|  |  | conventional | 2 | 2 charged, 3 shipped | 0 |",
    ]


def test_the_picture_draws_a_bar_for_each_value():
    figure = replace(MISSED, what="one order through four services, p50", conventional=20.0)
    drawn = ET.fromstring(picture.svg(Record(QUIET, {"flow": [figure]})))  # noqa: S314 - our own
    bars = {
        each.get("class"): float(each.get("width"))
        for each in drawn.iter("{http://www.w3.org/2000/svg}rect")
        if each.get("class") in picture.SIDES and each.get("height") != "12"
    }
    assert bars["bare"] < bars["ours"] < bars["conventional"]
    assert bars["conventional"] == pytest.approx(2 * bars["bare"], abs=0.2)


def test_the_command_keeps_what_it_has_when_a_part_fails(tmp_path, monkeypatch):
    """Each group is written when it is there; a whole run also draws and prints them."""
    output = tmp_path / "bench.json"

    def fails(_):
        raise WorkshopError("no browser")
        yield

    monkeypatch.setattr(bench, "_alone", lambda _: iter([("alone", [MISSED])]))
    monkeypatch.setattr(bench, "_on_a_cloud", fails)
    monkeypatch.setattr(bench, "_waiting", lambda _, skip_demo: iter([("waiting", [MISSED])]))
    with pytest.raises(WorkshopError, match="no browser"):
        bench.bench(output)
    assert record.read(output).groups == {"alone": [MISSED]}
    monkeypatch.setattr(bench, "_on_a_cloud", lambda _: iter([("waiting", [MISSED])]))
    bench.bench(output)
    assert record.read(output).groups == {"alone": [MISSED], "waiting": [MISSED, MISSED]}
    assert output.with_suffix(".svg").read_text("utf-8").startswith("<svg")
