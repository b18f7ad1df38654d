"""The model of the flow is short, and uses the flow's functions and events."""

import json
import re

from workshop.paths import ROOT
from workshop.stages import flow

FOLDER = ROOT / "docs/model"
MODEL = (FOLDER / "saga.qnt").read_text("utf-8")
LOCK = (FOLDER / "package-lock.json").read_text("utf-8")

MOST_LINES = 120
LEFT_OUT = {"payment-declined"}
"""Events that are a task for the reader."""


def test_model_has_at_most_120_lines():
    assert len(MODEL.splitlines()) <= MOST_LINES


def test_functions_of_the_model_consume_the_events_of_the_flow():
    in_model = dict(re.findall(r'"([a-z-]+)" -> "([a-z-]+)"', MODEL))
    functions = (each for each in flow().functions.values() if each != flow().tracker)
    consumed = {each.key: each.consumes for each in functions if each.consumes}
    assert {function: (event,) for function, event in in_model.items()} == consumed


def test_model_has_the_events_of_the_flow():
    names = set(re.findall(r'"([a-z-]+)"', MODEL))
    assert names & set(flow().steps) == set(flow().steps) - LEFT_OUT


def test_lock_of_the_model_pins_versions_and_names_no_address():
    packages = json.loads(LOCK)["packages"]
    wanted = json.loads((FOLDER / "package.json").read_text("utf-8"))
    for name, version in (wanted["devDependencies"] | wanted["overrides"]).items():
        assert packages[f"node_modules/{name}"]["version"] == version
    assert [name for name, each in packages.items() if "resolved" in each] == []
    assert [name for name, each in packages.items() if name and "integrity" not in each] == []
