"""The start of a function: no garbage is collected while nothing can be garbage."""

import gc
import subprocess
import sys

import pytest

from orderflow.startup import collector_paused
from workshop.paths import ROOT


@pytest.fixture
def collections():
    """The number of collections so far, as a list of their starts."""
    seen = []

    def note(phase, _):
        if phase == "start":
            seen.append(phase)

    gc.callbacks.append(note)
    yield seen
    gc.callbacks.remove(note)
    gc.unfreeze()


def many_objects():
    return [[number] for number in range(200_000)]


def test_no_garbage_is_collected_during_the_pause(collections):
    with collector_paused():
        collections.clear()  # one may have started just before the pause
        kept = many_objects()
        assert not collections
    assert gc.isenabled()
    assert gc.get_freeze_count() >= len(kept)


def test_garbage_is_collected_after_the_pause_even_if_it_failed(collections):
    with pytest.raises(ZeroDivisionError), collector_paused():
        raise ZeroDivisionError
    assert many_objects()
    assert collections


def test_disabled_collector_stays_disabled(collections):
    gc.disable()
    try:
        with collector_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_boto3_and_a_client_are_made_during_a_pause():
    """In a new process, as in a cold start."""
    code = (
        "import gc; from orderflow import aws\n"
        "imported = gc.get_freeze_count()\n"
        "client = aws.client('events')\n"
        "print(gc.isenabled(), gc.get_freeze_count() > imported > 10_000)\n"
    )
    said = subprocess.check_output(
        [sys.executable, "-c", code],
        cwd=ROOT,
        text=True,
        env={"AWS_DEFAULT_REGION": "us-east-1"},
    )
    assert said.strip() == "True True"
