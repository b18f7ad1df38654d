"""JSON that the local cloud passes on can be written in UTF-8, and says what came in."""

import json

import pytest

from local_cloud.delivery import json_text
from local_cloud.delivery.put_events import compact


@pytest.mark.parametrize("text", ["\ud83d", "x\udc00y", "\ude00\ud83d", "\ud83d \\ud83d \\\ud83d"])
@pytest.mark.parametrize("dumps", [json_text.dumps, compact])
def test_half_a_character_stays_as_it_came(dumps, text):
    written = dumps({text: [text]})
    assert json.loads(written.encode()) == {text: [text]}


def test_whole_characters_are_themselves():
    assert json_text.dumps("Zoë 😀") == '"Zoë 😀"'
