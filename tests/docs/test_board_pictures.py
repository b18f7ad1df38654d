"""The README's pictures of the board show the page as it is now, by its labels."""

import struct

import pytest

from devtools.documents import board_pictures
from tests.board.fakes import Client, FakeSource, bus_event

ADVICE = "The board's page has other labels than its pictures: run `make board-pictures`."


def test_pictures_have_the_labels_of_the_page():
    source = FakeSource()
    source.add(bus_event("OrderCreated", "payment"))
    with Client(source) as client:
        now = board_pictures.labels(client.shows("event-event-1"))
    assert len(now) > 20
    assert board_pictures.LABELS.read_text("utf-8").splitlines() == now, ADVICE


@pytest.mark.parametrize("theme", board_pictures.THEMES)
def test_picture_has_the_size_of_the_readme(theme):
    content = board_pictures.path(theme).read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    size = struct.unpack(">II", content[16:24])
    assert size == (board_pictures.WIDTH, board_pictures.HEIGHT)
    assert len(content) < 200 * 1024


def test_a_label_that_changes_is_noticed():
    page = "<nav><a>Events</a></nav><section><label>x</label></section><label>Type <select>"
    assert board_pictures.labels(f"{page}<option>A</option></select></label>") == [
        "Events",
        "Type",
    ]
