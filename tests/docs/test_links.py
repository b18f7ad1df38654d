"""Whatever a page refers to exists, and every page is referred to."""

import fnmatch
import os
import re
from functools import cache
from pathlib import PurePosixPath
from urllib.parse import unquote

import pytest

from devtools.documents.links import anchors, inline_code, links, slug
from devtools.documents.pages import README, tracked
from tests.docs.all_pages import NOTEBOOK_PAGES, PAGES, name, problems, text
from tests.fixtures.sources import classes
from workshop.paths import ROOT

FILES = {name(path) for path in tracked(ROOT)}
PATHS = FILES | {parent.as_posix() for path in FILES for parent in PurePosixPath(path).parents}
TOP = {path.partition("/")[0] for path in FILES}
SUFFIXES = {PurePosixPath(path).suffix for path in FILES} - {""}

MADE = (".workshop", ".venv")
"""What the tools make and nobody commits: pages may name it."""

NOT_YET = {"v2.schema.json"}
"""What a file would be called if there were one."""

FOREIGN_ERRORS = {
    *("AccessDeniedException", "ConditionalCheckFailedException", "ResourceNotFoundException"),
    *("Runtime.ExitError", "Runtime.ImportModuleError", "Runtime.UserCodeSyntaxError"),
    "InvalidSignatureException",
}
"""Errors of AWS's that pages name."""

_ELSEWHERE = re.compile(r"[a-z][a-z+.-]*:")
_PATH = re.compile(r"(?:\./|\.\./)*[\w.*?-]+(?:/[\w.*?-]+)*/?")
_LINES = re.compile(r"L(\d+)(?:-L(\d+))?")


@cache
def parts(path):
    return frozenset(anchors(text(ROOT / path)))


def target(page, link):
    """The path from the root and the anchor that a link of a page leads to; None: elsewhere."""
    if _ELSEWHERE.match(link):
        return None
    path, _, anchor = unquote(link).partition("#")
    whole = os.path.normpath(f"{name(page.parent)}/{path}") if path else name(page)
    return whole.replace(os.sep, "/"), anchor


def link_problem(page, link):
    """What is wrong with a link, in words; None when nothing is."""
    found = target(page, link)
    if found is None:
        return None
    path, anchor = found
    if path not in PATHS:
        return f"there is no {path}"
    if lines := _LINES.fullmatch(anchor):
        last = len((ROOT / path).read_text("utf-8").splitlines())
        beyond = max(int(each) for each in lines.groups() if each) > last
        return f"{path} has {last} lines" if beyond else None
    if not anchor or (path.endswith(".md") and anchor in parts(path)):
        return None
    return f"{path} has no part {anchor}"


def is_path(words):
    """Whether words in code font look like a path in this repository."""
    if not _PATH.fullmatch(words) or words.startswith(MADE) or words in NOT_YET:
        return False
    if "/" in words and (words.startswith(".") or in_root(words)):
        return True
    return PurePosixPath(words).suffix in SUFFIXES and not words.startswith("*.")


def in_root(words):
    """Whether a path begins with what lies in the root."""
    return any(fnmatch.fnmatchcase(each, words.partition("/")[0]) for each in TOP)


def path_problem(page, words):
    """What is wrong with a path in code font: from the root, from the page, or a file's end."""
    if not is_path(words):
        return None
    wanted = words.rstrip("/")
    near = os.path.normpath(f"{name(page.parent)}/{wanted}").replace(os.sep, "/")
    patterns = (wanted, near) if in_root(wanted) else (near, f"*/{wanted}")
    there = not PATHS.isdisjoint(patterns) or any(fnmatch.filter(PATHS, each) for each in patterns)
    return None if there else f"there is no {words}"


def error_problem(_page, words):
    """What is wrong with code font that looks like the name of an error."""
    is_error = re.fullmatch(r"[A-Z][\w.]*(?:Error|Exception)", words)
    known = words in FOREIGN_ERRORS or (words.endswith("Error") and words in classes())
    return f"no error is called {words}" if is_error and not known else None


def test_every_link_leads_to_a_file_or_part_that_git_knows():
    assert problems(links, link_problem) == []


def test_every_path_in_code_font_exists():
    assert problems(inline_code, path_problem) == []


def test_every_error_in_code_font_exists():
    assert problems(inline_code, error_problem) == []


def test_every_page_is_reached_by_links_from_the_readme():
    every = {*PAGES, *NOTEBOOK_PAGES}
    seen, waiting = set(), {README}
    while waiting:
        page = waiting.pop()
        seen.add(page)
        leads = {ROOT / found[0] for _, link in links(text(page)) if (found := target(page, link))}
        waiting |= ((leads | {path / "README.md" for path in leads}) & every) - seen
    assert every - seen == set()


@pytest.mark.parametrize(
    ("link", "what"),
    [
        ("docs/nothing.md", "there is no docs/nothing.md"),
        ("../README.md", "there is no ../README.md"),
        (".venv", "there is no .venv"),
        ("#nowhere", "README.md has no part nowhere"),
        ("CONTRIBUTING.md#nowhere", "CONTRIBUTING.md has no part nowhere"),
        ("Makefile#L9999", "Makefile has"),
    ],
)
def test_a_broken_link_is_found(link, what):
    assert link_problem(README, link).startswith(what)


@pytest.mark.parametrize(
    "link", ["docs", "docs/", "#the-stages", "docs/commands.md#make-up-stagen", "Makefile#L1-L2"]
)
def test_a_link_to_a_folder_part_or_line_is_accepted(link):
    assert link_problem(README, link) is None


def test_a_path_or_error_that_does_not_exist_is_found():
    gone = ["workshop/nothing.py", "nothing.tf", "../nothing.md", "0?-*/nothing/"]
    assert all(path_problem(README, each) for each in gone)
    good = ["workshop/cli.py", "handler.py", "0?-*/tests/", "tests/"]
    assert all(is_path(each) and not path_problem(README, each) for each in good)
    assert not any(is_path(each) for each in ["make up", "tok_declined", "a/b", ".workshop/x.json"])
    assert error_problem(README, "NoSuchError")


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("Clean up, or go on", "clean-up-or-go-on"),
        ("make up STAGE=n", "make-up-stagen"),
        ("What's `order_id`?", "whats-order_id"),
        ("1. Charge – once", "1-charge--once"),
        ("Größe", "größe"),
    ],
)
def test_headings_are_named_as_on_github(heading, name):
    assert slug(heading.replace("`", "")) == name
    assert anchors(f"# {heading}\n") == [name]


def test_repeated_headings_are_counted_and_code_is_none():
    page = '# A\n\n## A\n\n```sh\n# B\n```\n\n## [A](x.md)\n\n<a id="own"></a>\n'
    assert anchors(page) == ["a", "a-1", "a-2", "own"]


def test_links_of_all_kinds_are_found_but_none_in_code():
    page = (
        "[a](1.md) ![b](2.png) [c][r] `[d](no.md)`\n\n[r]: 3.md\n\n"
        '<img src="4.png">\n\nx <a href="5.md">y</a>\n\n| [t](6.md) |\n|---|\n\n'
        "```\n[e](no.md)\n```\n"
    )
    found = sorted(link for _, link in links(page))
    assert found == ["1.md", "2.png", "3.md", "4.png", "5.md", "6.md"]
