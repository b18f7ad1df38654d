"""No page is a wall: short parts, narrow tables."""

import pytest
from markdown_it import MarkdownIt

from devtools.documents.links import parts, rows
from devtools.documents.pages import pages
from workshop.paths import ROOT

PAGES = pages()

MOST_WORDS = 400
"""Between two headings, code and tables not counted: forty lines on GitHub."""

MOST_COLUMNS = 6
LONGEST_ROW = 350
"""Characters of a table's line that are seen: five lines on GitHub."""


def every(what):
    """Each page, named after its path."""
    ids = [path.relative_to(ROOT).as_posix() for path in PAGES]
    return pytest.mark.parametrize("page", PAGES, ids=ids)(what)


@every
def test_no_part_is_a_wall(page):
    """Whoever reads finds a heading before long."""
    found = parts(page.read_text("utf-8"))
    long = [f"{name}: {words} words" for name, words in found if words > MOST_WORDS]
    assert not long, "; ".join(long)


@every
def test_no_table_is_too_wide(page):
    """It is read without scrolling sideways, and no line of it is a paragraph."""
    found = rows(page.read_text("utf-8"))
    wide = [
        f"line {line}: {len(cells)} columns, {sum(map(len, cells))} characters"
        for line, cells in found
        if len(cells) > MOST_COLUMNS or sum(map(len, cells)) > LONGEST_ROW
    ]
    assert not wide, "; ".join(wide)


@every
def test_every_picture_has_a_description(page):
    """Whoever cannot see it learns what it shows."""
    tokens = MarkdownIt("commonmark").parse(page.read_text("utf-8"))
    images = [each for token in tokens for each in token.children or [] if each.type == "image"]
    assert [each.attrGet("src") for each in images if not each.content] == []


def test_words_are_counted_by_part_without_code_and_tables():
    """What is there to be read; a folded answer counts."""
    page = (
        "one two\n\n# A\n\none\n- two `three`\n\n```sh\nmake up\n```\n\n| a | b |\n|---|---|\n\n"
        "## B\n\n<details><summary>q</summary>\n\none [two](x.md)\n</details>\n"
    )
    assert parts(page) == [("", 2), ("A", 3), ("B", 2)]


def test_a_line_of_a_table_is_what_is_seen_of_it():
    """Not the address of a link, nor the marks of code."""
    assert rows("text\n\n| a | b |\n|---|---|\n| [c](docs/d.md) | `e` f |\n") == [
        (3, ["a", "b"]),
        (5, ["c", "e f"]),
    ]
