"""Generated regions: fresh in every page, and told exactly where they cannot be."""

import os
import re
import sys
import textwrap
from pathlib import Path

import pytest
import typer

from devtools.commands.docs import docs, read
from devtools.documents import command_list, diagrams, exercise_list, pages, snippets, stage_files
from devtools.documents.regions import PRODUCERS, fresh, regions, renewed
from workshop.errors import UsageError
from workshop.paths import ROOT, STAGES, stage_folder

README = ROOT / "README.md"
STORE = "03-inventory/inventory_service/store.py"
LESSONS = pages.lessons()


def page_of(region):
    return f"# Title\n\nBefore.\n\n<!-- {region} -->\nold\n<!-- end -->\n\nAfter.\n"


def refused(text):
    """What is said of a page that cannot be brought up to date."""
    with pytest.raises(UsageError) as error:
        fresh(README, text)
    return str(error.value)


@pytest.mark.parametrize("page", pages.pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_is_generated_is_fresh(page):
    """Code, pictures and tables are what the repository says now: else, `make docs`."""
    _, stale = renewed(page, read(page).decode())
    assert not [f"line {each.first + 1}: {each}" for each in stale]


# ── a page ──


def test_only_the_region_changes():
    """Whatever stands outside stays byte for byte: blanks at line ends, other line separators."""
    before, after = "a  \n\tb\u2028c\x0c\n\n", "\n\nlast line without an end"
    text = f"{before}<!-- exercises: 1 -->\nold\nolder\n<!-- end -->{after}"
    table = exercise_list.region("1", README)
    assert fresh(README, text) == (f"{before}<!-- exercises: 1 -->\n{table}\n<!-- end -->{after}")


def test_a_second_time_changes_nothing():
    """Every kind of region, the empty one too, is as stale or fresh as its content."""
    kinds = [
        "picture: 1",
        "files: 1",
        "exercises: 1",
        f"quote: {STORE} DynamoInventoryStore",
        "commands",
    ]
    for kind in kinds:
        once, changed = renewed(README, page_of(kind))
        assert [str(each) for each in changed] == [kind]
        assert renewed(README, once) == (once, [])


def test_code_that_shows_a_region_is_none():
    """Fences, longer ones, indented ones, code font."""
    shown = "<!-- picture: 1 -->\nold\n<!-- end -->"
    indented = textwrap.indent(shown, "    ")
    text = f"```\n{shown}\n```\n\n````md\n```\n{shown}\n```\n````\n\n"
    text += f"- a\n\n    ```\n{indented}\n    ```\n"
    text += f"\nx\n\n{indented}\n\n`<!-- picture: 1 -->`\n"
    assert list(regions(text, "page")) == []
    assert fresh(README, text) == text


def test_markers_of_code_blocks_are_left_alone():
    """They belong to who runs the pages: one or several, in a list, too."""
    text = "<!-- exits 1 -->\n<!-- types: 1 -->\n```sh\nx\n```\n\n"
    text += "1. a\n\n   <!-- not run: b -->\n   ```sh\n   y\n   ```\n"
    assert list(regions(text, "page")) == []


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("<!-- qoute: README.md -->\nx\n<!-- end -->\n", 1, "there is no region 'qoute'"),
        ("<!-- TODO -->\n\ntext\n", 1, "there is no region 'TODO'"),
        ("text <!-- picture: 1 --> text\n", 1, "needs a line of its own"),
        ("- item\n\n  <!-- picture: 1 -->\n  <!-- end -->\n", 3, "needs a line of its own"),
        ("<details>\n<!-- picture: 1 -->\n\n<!-- end -->\n", 2, "needs a line of its own"),
        ("<!-- picture: 1 -->\n\ntext\n", 1, "does not end"),
        ("text\n\n<!-- end -->\n", 3, "no region begins"),
        ("<!-- pictur: 1 -->\n```mermaid\nx\n```\n<!-- end -->\n", 5, "no region begins"),
        (
            "<!-- picture: 1 -->\n<!-- picture: 2 -->\n<!-- end -->\n",
            2,
            "the region of line 1 does not end",
        ),
    ],
)
def test_a_region_that_is_none_is_told_with_page_and_line(text, line, what):
    """A misspelled name, a comment of another kind, a wrong place, no end, no beginning."""
    said = refused(text)
    assert said.startswith(f"README.md:{line}: ")
    assert what in said


@pytest.mark.parametrize(
    ("region", "what"),
    [
        ("quote", "there is no file"),
        ("quote: nothing.py", "there is no file nothing.py"),
        (f"quote: {Path(os.__file__).as_posix()}", "there is no file"),
        ("quote: docs", "there is no file docs"),
        (f"quote: {STORE} nothing", "there is no nothing"),
        (f"quote: {STORE} DynamoInventoryStore.nothing", "there is no DynamoInv"),
        ("quote: Makefile up", "no name in Python"),
        (f'quote: {STORE} "self" … "return"', "more than one place"),
        (f'quote: {STORE} "no such words" … "return"', "nothing holds"),
        (f'quote: {STORE} "class DynamoInventoryStore" … "no such"', "nothing behind"),
        (f'quote: {STORE} "class" ... "return"', "no name in Python"),
        ("picture: 9", "not of '9'"),
        ("picture", "not of ''"),
        ("files: 9", "there is no stage 9"),
        ("files: one", "there is no stage one"),
        ("exercises: 9", "there is no stage 9"),
        ("commands: up", "takes no argument"),
    ],
)
def test_what_there_is_not_is_told_with_page_and_line(region, what):
    """File, name, words, stage; ambiguous words as well."""
    said = refused(page_of(region))
    assert said.startswith("README.md:5: ")
    assert what in said


def test_every_region_in_the_pages_is_one_that_these_tests_know():
    """A new kind of region has tests of its own, and is named here."""
    assert set(PRODUCERS) == {
        *("catalogue", "scaling"),  # test_events.py, test_cost.py
        *("commands", "exercises", "files", "picture", "quote"),
    }


# ── quotes ──

SOURCE = '''\
"""Doc."""

LIMIT: int = 3
NAMES = {
    "a": 1,
}


@first
@second(1)
class Store:
    """Keeps."""

    @property
    def size(self) -> int:
        """Words."""
        return 1

    async def grow(self): ...


def top():
    pass
'''


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("LIMIT", "LIMIT: int = 3", "LIMIT: int = 3"),
        ("NAMES", "NAMES = {", "}"),
        ("Store", "@first", "    async def grow(self): ..."),
        ("Store.size", "    @property", "        return 1"),
        ("Store.grow", "    async def grow(self): ...", "    async def grow(self): ..."),
        ("top", "def top():", "    pass"),
    ],
)
def test_a_name_is_quoted_whole(name, first, last):
    """Constants, classes, methods, with what decorates them."""
    lines = snippets.named(SOURCE, name).splitlines()
    assert (lines[0], lines[-1]) == (first, last)


def test_a_name_that_is_there_twice_is_refused():
    """Which one is meant?"""
    with pytest.raises(UsageError, match="more than one top"):
        snippets.named(SOURCE + SOURCE, "top")


def test_lines_are_quoted_from_words_to_words():
    """Both lines whole; both words may be on one line; line ends and quotation marks count."""
    assert snippets.between(SOURCE, "LIMIT", "= {") == "LIMIT: int = 3\nNAMES = {"
    assert snippets.between(SOURCE, "NAMES", "{") == "NAMES = {"
    assert snippets.between(SOURCE, r"}\n\n\n@first", "second") == "}\n\n\n@first\n@second(1)"
    assert snippets.between(SOURCE, r"\"a\"", "}") == '    "a": 1,\n}'


def test_a_quote_is_a_link_and_the_code_moved_to_the_left():
    """The path as seen from the stage, the link as seen from the page."""
    lesson = stage_folder(3) / "README.md"
    link, _, opening, first, *_ = snippets.region(
        f"{STORE} DynamoInventoryStore.reserve", lesson
    ).splitlines()
    assert link == "[inventory_service/store.py](inventory_service/store.py)"
    assert opening == "```python"
    assert first.startswith("def reserve(")
    elsewhere = snippets.region(STORE, ROOT / "docs/cost.md")
    assert elsewhere.startswith(f"[{STORE}](../{STORE})\n")


@pytest.mark.parametrize(
    ("path", "language"),
    [
        ("terraform/main.tf", "hcl"),
        ("pyproject.toml", "toml"),
        (".github/workflows/ci.yml", "yaml"),
        ("docs/events/order-created.json", "json"),
    ],
)
def test_each_kind_of_file_is_coloured_as_what_it_is(path, language):
    """The fence names its language."""
    assert f"\n```{language}\n" in snippets.region(path, README)


def test_a_quote_with_fences_of_its_own_stays_one():
    """What is quoted cannot end the block."""
    assert "```sh" in (ROOT / "notebooks/README.md").read_text("utf-8")
    quote = snippets.region("notebooks/README.md", README)
    assert "\n\n````md\n" in quote
    assert quote.endswith("\n````")


# ── pictures ──


def boxes(picture, *, new=False):
    """The functions and tables in a picture; only those that are marked as new."""
    named = dict(re.findall(r"^  (\w+)(?:\[\(|\[)([\w-]+)(?:\)\]|\])$", picture, re.MULTILINE))
    marked = re.findall(r"^  class (.+) new$", picture, re.MULTILINE)
    return {name for key, name in named.items() if not new or key in marked[0].split(",")}


ADDED = {
    1: {"order-api", "order-tracker", "Orders"},
    2: {"payment", "payment-refund", "Payments"},
    3: {"inventory", "Inventory"},
    4: {"shipping", "Shipments"},
}


@pytest.mark.parametrize("stage", ADDED)
def test_a_picture_shows_what_there_is_at_its_stage(stage):
    """All that was built so far; what this stage adds is marked."""
    picture = diagrams.region(str(stage), README)
    assert boxes(picture) == set().union(*(ADDED[each] for each in range(1, stage + 1)))
    assert boxes(picture, new=True) == ADDED[stage]


def test_an_event_without_consumer_ends_at_the_bus():
    """At stage 1 only the tracker listens; at stage 2 also the payment functions."""
    assert re.findall(r'bus -- "(.+)" -->', diagrams.region("1", README)) == ["all events"]
    second = diagrams.region("2", README)
    assert 'payment -- "PaymentProcessed" --> bus' in second
    assert "InventoryUpdated: RESERVED" not in second


def test_the_safety_net_catches_for_every_consumer():
    """Stage 5 draws them as one, with all their names."""
    picture = diagrams.region("5", README)
    (names,) = re.findall(r'consumers\["(.+)"\]', picture)
    patterns = ROOT.glob("0[1-4]-*/terraform/patterns/*.json")
    assert set(names.split("<br>")) == {path.stem for path in patterns}
    assert boxes(picture, new=True) == {"reconciler", "archive", "redrive"}


@pytest.mark.parametrize("stage", [str(each) for each in STAGES])
def test_every_line_of_a_picture_is_between_boxes_that_are_drawn(stage):
    """A name that is only used, and never given a text, would be drawn as it is spelled."""
    picture = diagrams.region(stage, README)
    drawn = set(re.findall(r"(\w+)(?=\[|\(\[|\{)", picture))
    used = set(re.findall(r"^  (\w+) |(?:-->|---|\.->) (\w+)$", picture, re.MULTILINE))
    assert {name for pair in used for name in pair if name} - {"class", "classDef"} <= drawn
    assert set(re.findall(r"class ([\w,]+) new", picture)[-1:] or [""])
    assert picture.startswith("```mermaid\nflowchart LR\n")


# ── lists ──


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_has_two_or_three_exercises(stage):
    """Each numbered in its order, with its title."""
    rows = exercise_list.region(str(stage), README).splitlines()[2:]
    assert 2 <= len(rows) <= 3
    for number, row in enumerate(rows, 1):
        assert re.fullmatch(rf"\| {stage:02d}\.{number} \| \S.* \|", row)


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda page: page.parent.name)
def test_a_lesson_has_its_own_picture_files_and_exercises(lesson):
    """Those of its stage and of no other; what it quotes is code of its stage or shared."""
    stage = int(lesson.parent.name[:2])
    found = {str(each) for each in regions(lesson.read_text("utf-8"), lesson.parent.name)}
    named = {each for each in found if each.startswith(("picture", "files", "exercises"))}
    assert named == {f"picture: {stage}", f"files: {stage}", f"exercises: {stage}"}
    assert any(each.startswith("quote: ") for each in found)


@pytest.mark.parametrize("stage", STAGES)
def test_every_file_of_a_stage_is_listed_or_in_a_folder_that_is(stage):
    """But for what every stage has."""
    folder = stage_folder(stage)
    table = stage_files.region(str(stage), folder / "README.md")
    listed = re.findall(r"\]\((.+?)\) \|", table)
    for path in pages.tracked(folder):
        name = path.relative_to(folder).as_posix()
        if path.name not in stage_files._NOT_TOLD and "/tests/" not in name:
            assert any(name == each or name.startswith(each) for each in listed), name
    assert all((folder / each).exists() for each in listed)


# ── the command ──


@pytest.fixture
def one_page(tmp_path, monkeypatch):
    """A repository of one page with one stale region."""
    page = tmp_path / "page.md"
    page.write_bytes(page_of("picture: 1").encode())
    module = sys.modules[docs.__module__]
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "pages", lambda: [page])
    monkeypatch.setattr(sys.modules[fresh.__module__], "ROOT", tmp_path)
    return page


def test_docs_writes_what_is_stale_and_says_so(one_page, capsys):
    """The second time there is nothing to do."""
    docs(check=False)
    assert capsys.readouterr().out == "page.md:5  picture: 1  written\n"
    assert diagrams.region("1", one_page) in one_page.read_text("utf-8")
    written = one_page.stat().st_mtime_ns
    docs(check=False)
    assert capsys.readouterr().out == "All documents are up to date.\n"
    assert one_page.stat().st_mtime_ns == written


def test_docs_check_changes_nothing(one_page):
    """It says what is stale, and fails."""
    before = one_page.read_bytes()
    with pytest.raises(typer.Exit) as ended:
        docs(check=True)
    assert ended.value.exit_code == 1
    assert one_page.read_bytes() == before
