"""The pages are true: their commands run in the order they are read, and print what they show."""

import os
import shutil
import sys

import pytest

from tests.fixtures.deployed import LESSONS_CLOUD
from workshop.deployment.up import remove
from workshop.documents.pages import pages
from workshop.documents.running import working_copy
from workshop.documents.running.blocks import COMMANDS, parse
from workshop.documents.running.playing import play
from workshop.documents.running.session import Session
from workshop.environments import DEV, FUNCTIONS, LOCAL_CLOUD, prepare
from workshop.paths import CLOUDS, ROOT

pytestmark = [
    pytest.mark.deployed,
    pytest.mark.skipif(
        os.name == "nt" or not all(map(shutil.which, ("bash", "git", "make"))),
        reason="the pages' commands are bash's, git's and make's",
    ),
    pytest.mark.timeout(1200),  # whoever types fast takes a minute or two for a page
]


COMMANDED = [path for path in pages() if f"```{COMMANDS}" in path.read_text("utf-8")]


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of this working copy, and an empty cloud; the pages follow one another on both."""
    prepare([DEV, LOCAL_CLOUD, FUNCTIONS])
    CLOUDS.mkdir(parents=True, exist_ok=True)
    remove(LESSONS_CLOUD)
    try:
        yield working_copy.make(tmp_path_factory.mktemp("lessons") / "orders")
    finally:
        remove(LESSONS_CLOUD)


@pytest.mark.parametrize("page", [path.relative_to(ROOT).as_posix() for path in COMMANDED])
def test_a_page_does_what_it_says(page, copy):
    """In a terminal of its own, every command ends as the page says, and prints what it shows."""
    variables = working_copy.environment(LESSONS_CLOUD) | {"PYTHON": sys.executable}
    blocks = parse((ROOT / page).read_text("utf-8"), page)
    if faults := play(blocks, Session(copy, variables)):
        pytest.fail("\n\n".join(faults), pytrace=False)
