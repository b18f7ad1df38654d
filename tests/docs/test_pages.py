"""Pages are easy to read: short parts, narrow tables, complete tables of contents."""

import re

import pytest
from markdown_it import MarkdownIt

from devtools.documents.links import anchors, links, parts, rows
from tests.docs.all_pages import PAGES, name, text
from workshop.paths import ROOT

MOST_WORDS = 400
"""Between two headings, code and tables not counted: forty lines on GitHub."""

MOST_COLUMNS = 6
LONGEST_ROW = 350
"""Visible characters of a table's row: five lines on GitHub."""


def test_no_part_of_a_page_is_too_long():
    long = [
        f"{name(page)}: {heading}: {words} words"
        for page in PAGES
        for heading, words in parts(text(page))
        if words > MOST_WORDS
    ]
    assert long == []


def test_no_table_is_too_wide():
    wide = [
        f"{name(page)}:{line}: {len(cells)} columns, {sum(map(len, cells))} characters"
        for page in PAGES
        for line, cells in rows(text(page))
        if len(cells) > MOST_COLUMNS or sum(map(len, cells)) > LONGEST_ROW
    ]
    assert wide == []


@pytest.mark.parametrize(
    ("page", "level"), [("docs/glossary.md", 3), ("docs/troubleshooting.md", 2)]
)
def test_a_table_of_contents_lists_every_heading_in_order(page, level):
    whole = text(ROOT / page)
    listed = [link for _, link in links(whole.partition("\n## ")[0]) if link.startswith("#")]
    headings = re.findall(rf"^{'#' * level} .+$", whole, re.MULTILINE)
    assert listed == [f"#{anchors(each)[0]}" for each in headings]


def test_every_picture_has_a_description():
    """A reader who cannot see it learns what it shows."""
    parse = MarkdownIt("commonmark").parse
    children = [
        each for page in PAGES for token in parse(text(page)) for each in token.children or []
    ]
    images = [each for each in children if each.type == "image"]
    assert images
    assert [each.attrGet("src") for each in images if not each.content] == []


def test_words_are_counted_by_part_without_code_and_tables():
    """A folded answer counts."""
    page = (
        "one two\n\n# A\n\none\n- two `three`\n\n```sh\nmake up\n```\n\n| a | b |\n|---|---|\n\n"
        "## B\n\n<details><summary>q</summary>\n\none [two](x.md)\n</details>\n"
    )
    assert parts(page) == [("", 2), ("A", 3), ("B", 2)]


def test_a_row_is_its_visible_text():
    table = "text\n\n| a | b |\n|---|---|\n| [c](docs/d.md) | `e` f |\n"
    assert rows(table) == [(3, ["a", "b"]), (5, ["c", "e f"])]
