"""A page as GitHub shows it: its links, its headings and its length."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

_ATTRIBUTE = re.compile(r"<(?:a|img)\s[^>]*?\b(?:href|src)=[\"']([^\"']+)[\"']", re.IGNORECASE)
_OWN_ANCHOR = re.compile(r"<a\s[^>]*?\b(?:id|name)=[\"']([^\"']+)[\"']", re.IGNORECASE)

_CELLS = ("th_open", "td_open")

Found = tuple[int, str]
"""A line, counted from 1, and its text."""


def markdown(path: Path) -> str:
    """Return a page's Markdown; of a notebook, that of its Markdown cells."""
    text = path.read_text("utf-8")
    if path.suffix != ".ipynb":
        return text
    cells = json.loads(text)["cells"]
    return "\n\n".join("".join(each["source"]) for each in cells if each["cell_type"] == "markdown")


def anchors(text: str) -> list[str]:
    """Return the anchors of a page: a slug for each heading, and explicit ones."""
    tokens = _parsed(text)
    seen: Counter[str] = Counter()
    found = []
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            name = slug(_plain(inline))
            found.append(f"{name}-{seen[name]}" if seen[name] else name)
            seen[name] += 1
    return found + [each for token in tokens for each in _OWN_ANCHOR.findall(_html(token))]


def slug(heading: str) -> str:
    """Return GitHub's name for a heading: lower case, no punctuation, a hyphen for each blank."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def links(text: str) -> list[Found]:
    """Return the targets of a page's links and pictures, written in Markdown or in HTML."""
    found = []
    for token in _parsed(text):
        line = _line(token)
        for child in token.children or []:
            target = child.attrGet("href") or child.attrGet("src")
            if target is not None:
                found.append((line, str(target)))
        found += [(line, each) for each in _ATTRIBUTE.findall(_html(token))]
    return found


def inline_code(text: str) -> list[Found]:
    """Return the text in code font in a page's sentences and tables."""
    return [
        (_line(token), child.content)
        for token in _parsed(text)
        for child in token.children or []
        if child.type == "code_inline"
    ]


def blocks(text: str, language: str) -> list[Found]:
    """Return the lines of a page's code blocks of a language; a line that goes on is one."""
    return [
        each
        for token in _parsed(text)
        if token.type == "fence" and token.info.split(maxsplit=1)[:1] == [language]
        for each in _joined(token)
    ]


def parts(text: str) -> list[tuple[str, int]]:
    """Return a page's parts: heading and number of words, without code and tables."""
    tokens = _parsed(text)
    found = [("", 0)]
    for before, token in pairwise(tokens):
        if before.type == "heading_open":
            found.append((_plain(token), 0))
        elif token.type == "inline" and before.type not in _CELLS:
            name, words = found[-1]
            found[-1] = name, words + len(_plain(token).split())
    return found


def rows(text: str) -> list[tuple[int, list[str]]]:
    """Return the lines of a page's tables: number, counted from 1, and cells as they are seen."""
    found: list[tuple[int, list[str]]] = []
    for before, token in pairwise(_parsed(text)):
        if before.type == "tr_open":
            found.append((_line(before), []))
        if before.type in _CELLS:
            found[-1][1].append(_plain(token))
    return found


def _joined(token: Token) -> Iterator[Found]:
    begun, begun_at = "", 0
    for number, line in enumerate(token.content.splitlines(), _line(token) + 1):
        begun_at = begun_at if begun else number
        begun += line
        if begun.endswith("\\"):
            begun = begun.removesuffix("\\")
            continue
        yield begun_at, begun
        begun = ""


@cache
def _parsed(text: str) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(text)


def _line(token: Token) -> int:
    return token.map[0] + 1 if token.map else 0


def _plain(inline: Token) -> str:
    """Words without what marks them."""
    shown = {"text": None, "code_inline": None, "softbreak": " ", "hardbreak": " "}
    seen = [each for each in inline.children or [] if each.type in shown]
    return "".join(shown[each.type] or each.content for each in seen)


def _html(token: Token) -> str:
    """Return the HTML in a part of a page."""
    children = [each.content for each in token.children or [] if each.type == "html_inline"]
    return "\n".join([token.content if token.type == "html_block" else "", *children])
