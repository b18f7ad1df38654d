"""The pages are true: their commands run in the order they are read, and print what they show.

The lessons are read at one desk, from stage 1 upwards; the other pages at another, where README's
demo has brought the whole system up.
"""

import pytest

from devtools.documents.pages import lessons, pages
from devtools.documents.running.page_blocks import COMMANDS, parse
from devtools.documents.running.page_runner import play
from tests.fixtures.deployed import LESSONS_CLOUD, PAGES_CLOUD
from tests.fixtures.learner import NEEDS_A_SHELL
from workshop.paths import ROOT

pytestmark = [
    pytest.mark.deployed,
    NEEDS_A_SHELL,
]


def commanded(paths):
    """The pages that have commands, by their names."""
    found = [path for path in paths if f"```{COMMANDS}" in path.read_text("utf-8")]
    return [path.relative_to(ROOT).as_posix() for path in found]


LESSONS = commanded(lessons())
OTHERS = [page for page in commanded(pages()) if page not in LESSONS]


def followed(page, terminal):
    """Type what a page says; fail with all that is not as it says."""
    blocks = parse((terminal.directory / page).read_text("utf-8"), page)
    if faults := play(blocks, terminal):
        pytest.fail("\n\n".join(faults), pytrace=False)


@pytest.mark.parametrize("page", LESSONS)
def test_a_lesson_does_what_it_says(page, terminal):
    """In a terminal of its own, every command ends as the lesson says, and prints what it shows."""
    followed(page, terminal(LESSONS_CLOUD))


@pytest.mark.parametrize("page", OTHERS)
def test_a_page_does_what_it_says(page, terminal):
    """The same for README, and for what one looks up."""
    followed(page, terminal(PAGES_CLOUD))
