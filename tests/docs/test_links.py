"""Whatever a page refers to is there, and every page is referred to."""

import os
import re
from fnmatch import fnmatchcase
from functools import cache
from pathlib import PurePosixPath
from urllib.parse import unquote

import pytest

from devtools.documents.links import anchors, inline_code, links, markdown, slug
from devtools.documents.pages import README, pages, tracked
from workshop.paths import NOTEBOOKS, ROOT

PAGES = [*pages(), *tracked(NOTEBOOKS, "*.ipynb")]
FILES = {path.relative_to(ROOT).as_posix() for path in tracked(ROOT)}
FOLDERS = {parent.as_posix() for name in FILES for parent in PurePosixPath(name).parents}
TOP = {name.partition("/")[0] for name in FILES}
SUFFIXES = {PurePosixPath(name).suffix for name in FILES} - {""}

MADE = (".workshop", ".venv")
"""What the tools make and nobody commits: pages may speak of it."""

NOT_YET = {"v2.schema.json"}
"""What a file would be called if there were one."""

_ELSEWHERE = re.compile(r"[a-z][a-z+.-]*:")
_PATH = re.compile(r"(?:\./|\.\./)*[\w.*?-]+(?:/[\w.*?-]+)*/?")
_LINES = re.compile(r"L(\d+)(?:-L(\d+))?")


def every(what):
    """Each page, with what it says; named after its path."""
    ids = [path.relative_to(ROOT).as_posix() for path in PAGES]
    return pytest.mark.parametrize("page", PAGES, ids=ids)(what)


@cache
def text(page):
    return markdown(page)


def target(page, link):
    """The path from the root and the anchor that a link of a page leads to; None: elsewhere."""
    if _ELSEWHERE.match(link):
        return None
    path, _, anchor = unquote(link).partition("#")
    folder = page.parent.relative_to(ROOT).as_posix()
    whole = os.path.normpath(f"{folder}/{path}") if path else page.relative_to(ROOT).as_posix()
    return whole.replace(os.sep, "/"), anchor


def fault(page, link):
    """What is wrong with a link, in words; None when nothing is."""
    found = target(page, link)
    if found is None:
        return None
    path, anchor = found
    if path not in FILES | FOLDERS:
        return f"there is no {path}"
    if not anchor:
        return None
    if lines := _LINES.fullmatch(anchor):
        last = len((ROOT / path).read_text("utf-8").splitlines())
        beyond = max(int(each) for each in lines.groups() if each) > last
        return f"{path} has {last} lines" if beyond else None
    if path.endswith(".md") and anchor in anchors(text(ROOT / path)):
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
    return any(fnmatchcase(each, words.partition("/")[0]) for each in TOP)


def is_there(page, words):
    """Whether a path is one from the root, from the page, or the end of a file's."""
    wanted = words.rstrip("/")
    folder = page.parent.relative_to(ROOT).as_posix()
    near = os.path.normpath(f"{folder}/{wanted}").replace(os.sep, "/")
    patterns = {wanted, near} if in_root(wanted) else {near, f"*/{wanted}"}
    return any(fnmatchcase(each, one) for one in patterns for each in FILES | FOLDERS)


@every
def test_every_link_leads_somewhere(page):
    """Files, folders and the parts of pages that are linked exist, and git knows them."""
    found = [(line, fault(page, link)) for line, link in links(text(page))]
    wrong = [f"line {line}: {what}" for line, what in found if what]
    assert not wrong, "\n".join(wrong)


@every
def test_every_path_in_code_font_exists(page):
    """A path that a sentence names is that of a file or folder of the repository."""
    named = [(line, words) for line, words in inline_code(text(page)) if is_path(words)]
    wrong = [f"line {line}: {words}" for line, words in named if not is_there(page, words)]
    assert not wrong, "\n".join(wrong)


def test_every_page_is_reached_from_the_readme():
    """Whoever follows links from the README sees every page and every notebook."""
    seen, waiting = set(), [README]
    while waiting:
        page = waiting.pop()
        seen.add(page)
        leads = {found[0] for _, link in links(text(page)) if (found := target(page, link))}
        ends = {ROOT / path for path in leads} | {ROOT / path / "README.md" for path in leads}
        waiting += [each for each in PAGES if each in ends - seen]
    lost = [page.relative_to(ROOT).as_posix() for page in PAGES if page not in seen]
    assert not lost, f"no link leads to {', '.join(lost)}"


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
def test_a_broken_link_is_noticed(link, what):
    """A missing file, one outside, one that git ignores, a missing part, a line too far."""
    assert fault(README, link).startswith(what)


@pytest.mark.parametrize(
    "link", ["docs", "docs/", "#the-stages", "docs/commands.md#make-up-stagen", "Makefile#L1-L2"]
)
def test_a_sound_link_is_not(link):
    """Folders, parts of this page and of others, and lines."""
    assert fault(README, link) is None


def test_a_path_that_is_gone_is_noticed():
    """A folder's file, and a file without its folder; words with blanks are none."""
    gone = ["workshop/nothing.py", "nothing.tf", "../nothing.md", "0?-*/nothing/"]
    assert all(is_path(each) and not is_there(README, each) for each in gone)
    sound = ["workshop/cli.py", "handler.py", "0?-*/tests/", "tests/"]
    assert all(is_path(each) and is_there(README, each) for each in sound)
    assert not any(is_path(each) for each in ["make up", "tok_declined", "a/b", ".workshop/x.json"])


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("Run it", "run-it"),
        ("Clean up, or go on", "clean-up-or-go-on"),
        ("make up STAGE=n", "make-up-stagen"),
        ("What's `order_id`?", "whats-order_id"),
        ("1. Charge – once", "1-charge--once"),
        ("Größe", "größe"),
    ],
)
def test_headings_are_named_as_on_github(heading, name):
    """Lower case, no punctuation, a hyphen for each blank; letters of all languages stay."""
    assert slug(heading.replace("`", "")) == name
    assert anchors(f"# {heading}\n") == [name]


def test_repeated_headings_are_counted_and_code_is_none():
    """The second gets -1, the third -2; comments in a code block are no headings."""
    page = '# A\n\n## A\n\n```sh\n# B\n```\n\n## [A](x.md)\n\n<a id="own"></a>\n'
    assert anchors(page) == ["a", "a-1", "a-2", "own"]


def test_links_of_all_kinds_are_seen():
    """Inline, by reference, pictures, HTML, in tables; none in code."""
    page = (
        "[a](1.md) ![b](2.png) [c][r] `[d](no.md)`\n\n[r]: 3.md\n\n"
        '<img src="4.png">\n\nx <a href="5.md">y</a>\n\n| [t](6.md) |\n|---|\n\n'
        "```\n[e](no.md)\n```\n"
    )
    assert sorted(link for _, link in links(page)) == [
        *("1.md", "2.png", "3.md", "4.png", "5.md", "6.md")
    ]
