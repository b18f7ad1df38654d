"""No lesson quotes the answer of its exercise: who copies a line from it has not solved it."""

import re

import pytest

from workshop.exercises.catalogue import exercises
from workshop.paths import ROOT, stage_folder

MEANT = {
    "04.3": r".*",  # docs/extending.md is its guide: it builds a similar service
    "05.4": r"make ",  # the pages have every command; an entry selects some, in a sequence
    "06.3": r'"(order_id|customer_id|placed_at|recipient|street)":',  # as in every example
}
"""Number of an exercise → lines that a page may contain all the same."""


def lines(patch, sign):
    """Return what a patch adds (+) or removes (-), without lines that say nothing."""
    changed = [line for line in patch.read_text("utf-8").splitlines() if line[:1] == sign]
    plain = [line[1:].strip() for line in changed if line[:3] != sign * 3]
    return {line for line in plain if len(re.findall(r"\w+", line)) > 2}


def answer(exercise):
    """Return the lines that the learner has to write."""
    if exercise.solution:
        return lines(exercise.solution, "+") - lines(exercise.start, "+")
    return lines(exercise.start, "-") - lines(exercise.start, "+")


@pytest.mark.parametrize("exercise", exercises(), ids=lambda each: each.number)
def test_no_page_quotes_an_answer(exercise):
    """Neither the lesson of its stage nor a page in docs/."""
    pages = [stage_folder(exercise.stage) / "README.md", *sorted(ROOT.glob("docs/*.md"))]
    quoted = [
        f"{page.relative_to(ROOT)}: {line}"
        for page in pages
        for text in [page.read_text("utf-8")]
        for line in sorted(answer(exercise))
        if line in text and not re.match(MEANT.get(exercise.number, r"\b\B"), line)
    ]
    assert not quoted


def test_line_of_a_patch_without_words_is_no_answer(tmp_path):
    """Nor are the names of its files."""
    (tmp_path / "start.patch").write_text(
        "--- a\n+++ b\n-return the right value\n+return a value\n"
    )
    assert lines(tmp_path / "start.patch", "-") == {"return the right value"}
    assert lines(tmp_path / "start.patch", "+") == {"return a value"}
