"""The memory of the functions: the estimate, and that Terraform sets what it chooses."""

import re

import pytest

from devtools.bench import memory
from devtools.bench.memory import Measured
from devtools.scaling import order
from workshop.paths import ROOT


def functions(start, run=2.0):
    """Return all functions with the same CPU time."""
    return dict.fromkeys(order.runs(), Measured(start, run))


def test_terraform_gives_functions_the_memory_that_the_record_chooses():
    text = (ROOT / "terraform/modules/event-function/variables.tf").read_text("utf-8")
    [default] = re.findall(r'variable "memory_mb" \{[^}]*default\s*= (\d+)', text)
    assert int(default) == memory.chosen(memory.read())


def test_record_has_every_function_that_ships_an_order():
    assert set(memory.read()) == set(order.runs())


@pytest.mark.parametrize(
    ("start", "size"), [(100, 256), (144, 256), (145, 512), (289, 512), (290, 1024), (9999, 1024)]
)
def test_smallest_size_with_a_start_below_a_second_is_chosen(start, size):
    assert memory.chosen(functions(start)) == size


def test_cpu_time_takes_longer_by_the_share_but_waiting_does_not():
    half = memory.MB_PER_CPU / 2
    assert memory.seconds(100, half) == pytest.approx(0.2)
    assert memory.seconds(100, 10_000) == pytest.approx(0.1)
    waits = order.assumed("request_seconds")
    run = memory.run_seconds("payment", Measured(100, 4), half)  # three requests
    assert run == pytest.approx(0.008 + 3 * waits)
    run = memory.run_seconds("order-tracker", Measured(100, 0), half)  # one in each of four runs
    assert run == pytest.approx(waits)


def test_dollars_are_those_of_all_runs_of_an_order():
    """Eight runs and nine requests: 0.5 GB for 9 × 15 ms, and no CPU time."""
    assert sum(order.runs().values()) == 8
    dollars = memory.dollars_a_million(functions(100, run=0), 512)
    assert dollars == pytest.approx(0.5 * sum(order.requests().values()) * 0.015 * 13.3334)


def test_table_marks_the_chosen_size(monkeypatch, tmp_path):
    path = tmp_path / "memory.json"
    memory.write(functions(200), path)
    monkeypatch.setattr(memory, "read", lambda read=memory.read: read(path))
    rows = memory.table().splitlines()
    assert [row.split(" | ")[0] for row in rows[2:]] == ["| 256 MB", "| **512 MB**", "| 1,024 MB"]
    assert rows[3].split(" | ")[1:4] == ["29 %", "0.69 s", "0.69 s"]
