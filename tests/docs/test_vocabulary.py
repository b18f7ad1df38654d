"""The repository uses the words of docs/style.md, in its texts and in its names.

pytest -k vocabulary -rP      also shows the counts of the paths that are still to be done
"""

import re
from collections import Counter
from functools import cache

import pytest

from devtools.documents.pages import tracked
from tests.docs.all_pages import name
from workshop.paths import ROOT

STYLE = ROOT / "docs/style.md"

EXCEPTIONS = (
    ("dead letter, the field's word", r"dead[ _-]?letters?"),
    ("characters of a name", r"(?:lower-case|upper-case|to \d+) letters|letters(?:,| and) digits"),
    ("characters of a name", r"starts with a letter"),
    ("a part of speech", r"starts? with a verb"),
    ("a symbol and its meaning", r"stands[ _]for"),
)
"""What may be written although a part of it is in the table: why, and its pattern."""

EXCEPTED_FILES = {
    "docs/style.md": "holds the table",
    "tests/docs/test_vocabulary.py": "has the words in its patterns",
}

_SUFFIXES = {
    *(".py", ".md", ".tf", ".hcl", ".toml", ".yml", ".yaml", ".ipynb", ".json", ".patch", ".cfg"),
    *(".html", ".css", ".js", ".mjs", ".svg"),
}
_NAMES = {"Makefile", "run"}
_PICTURE = re.compile(r'"image/png": "[^"]*"')
_ROW = re.compile(r"^\| (?!do not)([^|-][^|]*) \| ([^|]*) \|$", re.MULTILINE)
_GAP = r'(?:\\n|[\s_#+",|>*-])+'
"""Between two words of a phrase: also a line's end, and what starts the next line."""
_ALLOWED = re.compile("|".join(pattern for _, pattern in EXCEPTIONS))


@cache
def table():
    """Return what not to write, and what to write instead."""
    rows = _ROW.findall(STYLE.read_text("utf-8"))
    return {word: write for words, write in rows for word in re.split("[,;] ", words)}


@cache
def pattern(phrase):
    """Return the pattern of a phrase between other words."""
    return re.compile(rf"(?<![a-z]){_GAP.join(phrase.split())}(?![a-z])")


def found(text):
    """Return each forbidden phrase of a text with the number of its line."""
    small = text.lower()
    suspects = [phrase for phrase in table() if all(word in small for word in phrase.split())]
    if not suspects:
        return []
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text).lower()
    allowed = [match.span() for match in _ALLOWED.finditer(words)]
    return [
        (words.count("\n", 0, match.start()) + 1, phrase)
        for phrase in suspects
        for match in pattern(phrase).finditer(words)
        if not any(start <= match.start() < end for start, end in allowed)
    ]


@cache
def everything():
    """Return path, line and phrase of everything that is to be written otherwise."""
    files = {
        name(path): path
        for path in tracked(ROOT)
        if (path.suffix in _SUFFIXES or path.name in _NAMES)
        and path.is_file()
        and not path.name.endswith(".min.js")  # the code of another project
    }
    return [
        (path, line, phrase)
        for path in sorted(files.keys() - EXCEPTED_FILES)
        for line, phrase in [(0, each) for _, each in found(path)]
        + found(_PICTURE.sub("", files[path].read_text("utf-8")))
    ]


def counts(hits):
    """Return lines with the count of each phrase, by top-level folder."""
    tops = {phrase: Counter() for _, _, phrase in hits}
    for path, _, phrase in hits:
        tops[phrase][path.partition("/")[0]] += 1
    return "\n".join(
        f"{phrase:20} {by_top.total():4}  "
        + ", ".join(f"{top} {count}" for top, count in sorted(by_top.items()))
        for phrase, by_top in sorted(tops.items(), key=lambda each: -each[1].total())
    )


def test_vocabulary_is_that_of_the_style_page():
    hits = everything()
    lines = [f"{path}:{line}: {word!r}: write {table()[word]}" for path, line, word in hits]
    assert not hits, "\n".join([*lines, counts(hits)])


@pytest.mark.parametrize(
    "text",
    [
        "the letter waits",
        "LETTERS = 1",
        "def put_back(self):",
        "class HandedOver:",
        "def isHandedOver():",
        '"Sid": "StandsHere"',
        "# it was done by\n    # hand",
        '"placed by\\n",\n  "hand"',
    ],
)
def test_vocabulary_finds_a_word_in_texts_and_names(text):
    assert [line for line, _ in found(f"\n{text}")] == [2]


@pytest.mark.parametrize(
    "text",
    [
        "dead letter, dead-letter queues, dead_letter, DeadLetters",
        "the home directory, the classroom, storytelling, understands",
        "2 to 20 letters, digits",
        "a backhand over it; put it back; a troubleshooting page",
    ],
)
def test_vocabulary_leaves_honest_english_alone(text):
    assert found(text) == []


def test_vocabulary_page_is_short_and_exceptions_are_few():
    assert len(STYLE.read_text("utf-8").splitlines()) <= 25
    assert len(EXCEPTIONS) + len(EXCEPTED_FILES) <= 15
