import json

import pytest

from tests.board.fakes import Client, FakeSource, bus_event
from tests.fixtures.events import example, examples
from workshop.board.masking import HIDDEN, PERSONAL, masked

EXAMPLES = dict(examples())


def values(content):
    """Yield all values below JSON that are no containers."""
    if isinstance(content, dict):
        for each in content.values():
            yield from values(each)
    elif isinstance(content, list):
        for each in content:
            yield from values(each)
    else:
        yield content


def personal(content):
    """Yield the values of personal fields, wherever they are."""
    if isinstance(content, dict):
        for name, value in content.items():
            yield from values(value) if name in PERSONAL else personal(value)
    elif isinstance(content, list):
        for each in content:
            yield from personal(each)


@pytest.mark.parametrize("name", EXAMPLES)
def test_no_personal_value_of_an_example_is_left(name):
    content = EXAMPLES[name]
    hidden = set(map(str, personal(content)))
    left = set(map(str, values(masked(content))))
    assert hidden
    assert not hidden & left
    assert HIDDEN in left


@pytest.mark.parametrize("name", EXAMPLES)
def test_everything_else_is_kept(name):
    content = EXAMPLES[name]
    before = json.dumps(content)
    shown = masked(content)
    assert json.dumps(content) == before
    assert shown["detail"]["metadata"] == content["detail"]["metadata"]


@pytest.mark.parametrize(
    "odd", [{"ship_to": "Ada"}, {"contact": [{"a": ["Ada"]}]}, [{"ship_to": 7}]]
)
def test_personal_field_of_another_shape_is_hidden(odd):
    assert set(values(masked(odd))) == {HIDDEN}


def test_page_shows_personal_data_only_when_asked():
    source = FakeSource()
    source.add(bus_event("OrderCreated"))
    recipient = example("OrderCreated").order["ship_to"]["recipient"]
    with Client(source) as client:
        assert recipient not in client.shows("event-event-1")
        assert recipient not in client.part("/events/event-1")
        assert recipient in client.part("/events/event-1?personal=1")
