"""The adapter uses private names: a MiniStack that has changed them must not start."""

import subprocess
from pathlib import Path

import pytest

from workshop.paths import ROOT

pytestmark = pytest.mark.deployed

CHANGES = {
    "as published": ("", "fine"),
    "another version": (
        "version_check.MINISTACK = '9.9.9'",
        "needs MiniStack 9.9.9, but its environment has 1.5.33",
    ),
    "a missing name": (
        "from ministack.services import sqs; del sqs._queue_by_arn",
        "ministack.services.sqs has no _queue_by_arn",
    ),
    "other parameters": (
        "from ministack.services import sqs; sqs._queue_by_arn = lambda arn, region: None",
        "ministack.services.sqs._queue_by_arn takes (arn region), not (arn)",
    ),
}


@pytest.mark.parametrize(("change", "sentence"), CHANGES.values(), ids=CHANGES)
def test_a_changed_ministack_is_refused_by_name(
    local_cloud_python: Path, change: str, sentence: str
) -> None:
    """Each change is found before anything is served, and said in one sentence."""
    code = (
        f"import sys; sys.path.append({str(ROOT)!r})\n"
        "from local_cloud.ministack import version_check\n"
        f"{change}\n"
        "try: version_check.check(); print('fine')\n"
        "except version_check.IncompatibleError as error: print(error)\n"
    )
    command = [str(local_cloud_python), "-I", "-c", code]
    assert sentence in subprocess.check_output(command, text=True, env={})
