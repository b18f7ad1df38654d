"""The glossary is whole: its list and its entries name the same words, and none is long."""

import re

from workshop.paths import ROOT

PAGE = (ROOT / "docs/glossary.md").read_text("utf-8")
ENTRIES = dict(re.findall(r"^### (.+)\n(.+)$", PAGE, re.MULTILINE))


def test_the_list_names_every_entry_in_its_order():
    """Whoever looks for a word finds it in the list at the top."""
    listed = re.findall(r"\[([^\]]+)\]\(#([^)]+)\)", PAGE.partition("\n## ")[0])
    assert [word for word, _ in listed] == list(ENTRIES)
    assert [re.sub(r"[^a-z -]", "", w.lower()).replace(" ", "-") for w, _ in listed] == [
        anchor for _, anchor in listed
    ]


def test_no_entry_is_long():
    """A few sentences each; what needs more has a page of its own."""
    for word, text in ENTRIES.items():
        plain = re.sub(r"\[(.+?)\]\(.+?\)", r"\1", text)
        assert len(plain.split()) <= 65, word


def test_the_groups_of_the_list_are_the_parts_of_the_page():
    """The list's bold words are the headings."""
    groups = re.findall(r"^\*\*(.+):\*\*", PAGE, re.MULTILINE)
    assert groups == re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
