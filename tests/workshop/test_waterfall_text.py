"""A waterfall in the terminal: short lines, a sign for each kind of time, colour by style."""

import pytest

from tests.fixtures.journeys import JOURNEYS, NORMAL, RETRIED
from workshop.journeys.hops import Hop
from workshop.journeys.text import COLUMNS, lines_of
from workshop.journeys.waterfall import Bar, Kind, Result, Run, Waterfall, waterfall_of

every_journey = pytest.mark.parametrize("hops", JOURNEYS.values(), ids=JOURNEYS)


def of_runs(*runs: Run, end: float = 1.0) -> Waterfall:
    return Waterfall(waterfall_of(NORMAL).began, end, runs, (), ())


@every_journey
@pytest.mark.parametrize("columns", [COLUMNS, 60])
def test_line_fits_the_terminal_and_ends_with_its_last_word(hops: list[Hop], columns: int) -> None:
    for line in lines_of(waterfall_of(hops), columns):
        assert len(line.plain) <= columns
        assert line.plain == line.plain.rstrip()


@every_journey
def test_every_run_of_the_services_has_a_line(hops: list[Hop]) -> None:
    """The tracker's runs share one; three more are the axis, the signs and the note."""
    waterfall = waterfall_of(hops)
    tracked = [run for run in waterfall.runs if run.is_tracker]
    assert len(lines_of(waterfall)) == len(waterfall.runs) - len(tracked) + 1 + 3


def test_tracker_shows_the_last_status() -> None:
    *_, tracker, _, _ = lines_of(waterfall_of(NORMAL, []))
    assert tracker.plain.endswith("SHIPMENT_PREPARED")


def test_each_kind_of_time_has_its_sign_and_a_name() -> None:
    kinds = [Kind.DELAY, Kind.QUEUE, Kind.COLD_START, Kind.RUN]
    bars = tuple(Bar(kind, at / 4, (at + 1) / 4) for at, kind in enumerate(kinds))
    retry = Bar(Kind.WAIT, 0.0, 1.0)
    late = Run("payment", 1.0, 1.0, Result.DELIVERED, 2, bars=(retry, Bar(Kind.RUN, 1.0, 1.0)))
    first, second, _, signs = lines_of(
        of_runs(Run("payment", 0.5, 1.0, Result.DELIVERED, bars=bars), late)
    )
    assert "".join(sorted(set(first.plain) & set("╌░▓█"), key="╌░▓█".index)) == "╌░▓█"
    assert "┄" in second.plain
    assert signs.plain.split("  ")[1:] == [
        "█ ran",
        "▓ cold start",
        "░ queued",
        "┄ waits for a retry",
        "╌ injected delay",
    ]


def test_dropped_event_is_a_cross_and_never_a_run() -> None:
    dropped = Run("payment", 0.5, 0.5, Result.DROPPED, 0, bars=(Bar(Kind.RUN, 0.5, 0.5),))
    line, _, signs = lines_of(of_runs(dropped))
    assert "█" not in line.plain
    assert "✗" in line.plain
    assert line.plain.endswith("dropped")
    assert signs.plain.endswith("✗ did not run")


def test_failed_run_is_red_and_says_so() -> None:
    """Colour is never the only sign."""
    failed = lines_of(waterfall_of(RETRIED))[1]
    assert "failed: GatewayUnavailableError" in failed.plain
    red = [failed.plain[span.start : span.end] for span in failed.spans if span.style == "red"]
    assert "█" in red
