"""A waterfall as SVG: well-formed, safe in a strict page, and complete for a screen reader."""

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from tests.fixtures.journeys import JOURNEYS, RECONCILED, REDRIVEN, RETRIED, START
from workshop.journeys.hops import Hop
from workshop.journeys.svg import CSS, NARROW, WIDE, responsive, svg
from workshop.journeys.waterfall import Waterfall, waterfall_of
from workshop.journeys.wording import sentence_of

SVG = "{http://www.w3.org/2000/svg}"
ATTACK = "<img src=x onerror=alert(1)>\"'&\x00"

every_journey = pytest.mark.parametrize("hops", JOURNEYS.values(), ids=JOURNEYS)
both_widths = pytest.mark.parametrize("width", [WIDE, NARROW])


def parsed(waterfall: Waterfall, **options: object) -> ET.Element:
    return read(svg(waterfall, **options))  # type: ignore[arg-type]


def read(drawn: str) -> ET.Element:
    return ET.fromstring(drawn)  # noqa: S314 - it is ours


def texts(element: ET.Element, tag: str = "text") -> list[str]:
    return [each.text or "" for each in element.iter(f"{SVG}{tag}")]


@both_widths
@every_journey
def test_svg_is_xml_and_names_every_run(hops: list[Hop], width: int) -> None:
    waterfall = waterfall_of(hops)
    element = parsed(waterfall, width=width)
    assert element.get("viewBox", "").startswith(f"0 0 {width} ")
    assert {sentence_of(run) for run in waterfall.runs} <= set(texts(element, "title"))


@every_journey
def test_svg_has_a_name_and_a_description_for_screen_readers(hops: list[Hop]) -> None:
    waterfall = waterfall_of(hops)
    element = parsed(waterfall, name="w1")
    ids = {each.get("id"): each.text or "" for each in element if each.get("id")}
    assert element.get("role") == "img"
    assert ids[element.get("aria-labelledby")] == waterfall.words
    described = ids[element.get("aria-describedby")]
    assert all(sentence_of(run) in described for run in waterfall.runs)
    assert waterfall.notes[0] in described


def test_svg_escapes_every_text() -> None:
    """Also in attributes; a character that XML does not allow is replaced."""
    hops = [
        Hop(START, ATTACK, "consumed", ATTACK),
        Hop(START, ATTACK, "failed", f"{ATTACK}: {ATTACK}"),
        Hop(START, "order-tracker", "tracked", f"{ATTACK} → {ATTACK}"),
    ]
    drawn = svg(waterfall_of(hops), title=ATTACK, name=ATTACK)
    element = read(drawn)
    assert {each.tag for each in element.iter()} <= {
        f"{SVG}{tag}"
        for tag in ("svg", "title", "desc", "g", "rect", "line", "path", "circle", "text")
    }
    assert "<img" not in drawn
    assert ATTACK.replace("\x00", "\ufffd") in texts(element, "title")


@pytest.mark.parametrize("drawn", [svg(waterfall_of(RETRIED)), responsive(waterfall_of(RETRIED))])
def test_element_needs_nothing_that_a_strict_policy_blocks(drawn: str) -> None:
    """No script, no style, nothing loaded: `default-src 'none'` shows the same picture."""
    assert not re.search(r"<style|<script|style=|\son\w+=|url\(|href", drawn)


def test_every_class_is_in_the_style_sheet() -> None:
    drawn = responsive(waterfall_of(REDRIVEN))
    used = {name for names in re.findall(r'class="([^"]+)"', drawn) for name in names.split()}
    assert {name for name in used if f".{name}" not in CSS} == set()


def test_standalone_file_has_its_style_and_a_background() -> None:
    element = parsed(waterfall_of(RETRIED), standalone=True)
    assert [each.text for each in element.iter(f"{SVG}style")] == [CSS]
    assert "wf-paper" in [each.get("class") for each in element.iter(f"{SVG}rect")]


def test_heading_is_written_above_the_picture() -> None:
    """A long one is shortened to the width."""
    assert texts(parsed(waterfall_of(RETRIED), heading="ord_1"))[0] == "ord_1"
    assert texts(parsed(waterfall_of(RETRIED), heading="x" * 500))[0].endswith("…")


def test_ids_of_two_waterfalls_on_a_page_differ() -> None:
    page = "".join(responsive(waterfall_of(RETRIED), name=name) for name in ("one", "two"))
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids)) == 8


@both_widths
@every_journey
def test_everything_is_drawn_within_the_picture(hops: list[Hop], width: int) -> None:
    element = parsed(waterfall_of(hops), width=width)
    height = float(element.get("height", 0))
    for rect in element.iter(f"{SVG}rect"):
        x, y = float(rect.get("x", 0)), float(rect.get("y", 0))
        assert 0 <= x <= x + float(rect.get("width", 0)) <= width
        assert 0 <= y <= y + float(rect.get("height", 0)) <= height
    for text in element.iter(f"{SVG}text"):
        assert 0 <= float(text.get("x", 0)) <= width
        assert 0 <= float(text.get("y", 0)) <= height


@every_journey
def test_every_status_is_written(hops: list[Hop]) -> None:
    waterfall = waterfall_of(hops)
    assert {each.status for each in waterfall.statuses} <= set(texts(parsed(waterfall)))


def test_long_error_is_shortened_and_complete_in_its_title() -> None:
    error = "E" * 300
    hops = [replace(hop, step=error) if hop.what == "failed" else hop for hop in RETRIED]
    element = parsed(waterfall_of(hops), width=NARROW)
    assert any(text.endswith("…") for text in texts(element))
    assert any(error in title for title in texts(element, "title"))


@every_journey
def test_group_of_a_run_has_its_index(hops: list[Hop]) -> None:
    waterfall = waterfall_of(hops)
    groups = [each for each in parsed(waterfall).iter(f"{SVG}g") if each.get("data-run")]
    titles = {int(each.get("data-run", "")): texts(each, "title")[0] for each in groups}
    assert titles == {at: sentence_of(run) for at, run in enumerate(waterfall.runs)}


def test_run_that_changed_nothing_is_hollow() -> None:
    """The stored outcome was published again, or the tracker kept the status."""
    waterfall = waterfall_of(RECONCILED)
    hollow = {
        int(each.get("data-run", ""))
        for each in parsed(waterfall).iter(f"{SVG}g")
        if each.get("data-run") and "wf-hollow" in str(each.find(f"{SVG}rect").get("class"))  # type: ignore[union-attr]
    }
    assert hollow == {
        at
        for at, run in enumerate(waterfall.runs)
        if run.again or (run.is_tracker and not run.status)
    }
