"""The picture at the top of README shows the system as the contract and Terraform define it."""

import re
import xml.etree.ElementTree as ET

import pytest
from order_service import status

from devtools.documents import diagrams, events
from orderflow.event import Event
from workshop.paths import ROOT

SVG = "{http://www.w3.org/2000/svg}"
SOURCE = (ROOT / "docs/flow.svg").read_text("utf-8")
PICTURE = ET.fromstring(SOURCE)  # noqa: S314 - our own file
TRACKER = "order-tracker"
"""It receives every event and publishes none; its one arrow says so."""


def groups(kind, within=PICTURE):
    """Return the picture's groups of a class."""
    return [each for each in within.iter(f"{SVG}g") if kind in each.get("class", "").split()]


def label(group):
    """Return a group's text, without its step number and its notes."""
    shown = [each for each in group.findall(f"{SVG}text") if each.get("class") != "number"]
    return "".join(each.text for each in shown)


def heights(group):
    """Return the top and the bottom of a group's box."""
    box = group.find(f"{SVG}rect")
    return float(box.get("y")), float(box.get("y")) + float(box.get("height"))


def height(group):
    """Return the height of a group's arrow, or the middle of its box."""
    path = group.find(f"{SVG}path")
    return (
        sum(heights(group)) / 2 if path is None else float(path.get("d").split()[1].split("H")[0])
    )


def arrows():
    """Yield each arrow between a function and the bus: function, direction, event, group."""
    for group in [*groups("step"), *groups("side")]:
        path = group.find(f"{SVG}path")
        ends = re.fullmatch(r"M(\d+) (\d+)H(\d+)", path.get("d")) if path is not None else None
        beside = [
            label(each)
            for each in groups("function")
            if ends and heights(each)[0] < int(ends[2]) < heights(each)[1]
        ]
        if beside and label(group).partition(" ")[0] in {each.type for each in events.variants()}:
            direction = "publishes" if int(ends[1]) < int(ends[3]) else "receives"
            yield beside[0], direction, label(group), group


def shown(variant):
    """Return what the picture calls an event."""
    return f"{variant.type} {variant.status}" if variant.status else variant.type


def test_each_stage_shows_its_functions_and_its_table():
    lanes = groups("lane")
    drawn = {
        stage: sorted(label(each) for each in groups("function", lane))
        for stage, lane in enumerate(lanes, start=1)
    }
    defined = {stage: ["redrive"] if stage == 5 else [] for stage in drawn}
    for function in events.functions():
        defined[int(function.stage[:2])].append(function.key)

    assert drawn == {stage: sorted(keys) for stage, keys in defined.items()}
    tables = {n: label(*groups("table", lane)) for n, lane in enumerate(lanes, 1) if n < 5}
    assert tables == diagrams.tables()
    assert [each.text for lane in lanes for each in lane.iter(f"{SVG}tspan")] == [
        f"stage {stage}" for stage in drawn
    ]


def test_every_arrow_is_an_event_that_is_published_or_received():
    """Who publishes comes from Terraform's permissions, who receives from the rules' patterns."""
    defined = set()
    for variant in events.variants():
        defined |= {(each.key, "publishes", shown(variant)) for each in events.senders(variant)}
        defined |= {(each.key, "receives", shown(variant)) for each in events.receivers(variant)}

    everything = {each for each in defined if each[0] == TRACKER}
    assert len(everything) == len(events.variants())
    assert {(function, way, event) for function, way, event, _ in arrows()} == defined - everything


def test_the_steps_are_numbered_in_the_order_of_events():
    """Each event that is received was published in the step before."""
    numbers = [each.text for each in PICTURE.iter(f"{SVG}text") if each.get("class") == "number"]
    assert numbers == [str(number) for number in range(1, len(numbers) + 1)]
    steps = [each[:3] for each in arrows() if "step" in each[3].get("class")]
    assert len(steps) == len(numbers) - 1  # the first is the customer's request
    for (_, published, event), (_, received, same) in zip(steps[::2], steps[1::2], strict=False):
        assert (published, received, event) == ("publishes", "receives", same)
    assert steps[-1][1] == "publishes"


def test_each_status_is_beside_the_event_that_sets_it():
    drawn = {height(each): label(each) for each in groups("status")}
    by_name = {shown(each): each for each in events.variants()}
    found = {}
    for _, way, name, group in arrows():
        if way == "publishes" and height(group) in drawn:
            example = by_name[name].example
            event = Event(example["detail-type"], example["detail"])
            found[drawn[height(group)]] = status.status_after(event)
    assert found == {each: each for each in status.RANKS}


@pytest.mark.parametrize("word", ["<script", "<foreignObject", "href", "@import", "url(http"])
def test_the_picture_needs_nothing_from_elsewhere(word):
    assert word not in SOURCE


def test_the_text_is_large_enough_to_read():
    sizes = re.findall(r"(?:font-size: |font: )(\d+)px", SOURCE)
    assert sizes
    assert min(map(int, sizes)) >= 13
