"""What `make docs` generates: up to date in every page, or refused with page and line."""

import os
import re

import pytest
import typer

from devtools.commands import docs
from devtools.documents import diagrams, exercise_list, pages, snippets, stage_files
from devtools.documents.producers import PRODUCERS
from tests.docs.all_pages import PAGES, name, text
from workshop.errors import UsageError
from workshop.paths import ROOT, STAGES, in_stages, stage_folder

README = ROOT / "README.md"
STORE = "03-inventory/inventory_service/store.py"


def test_every_page_is_up_to_date(capfd):
    assert docs.whole_files(check=True) == 0
    assert docs.cog(check=True) == 0, "".join(capfd.readouterr())


def test_every_producer_is_called_by_a_page():
    """A page that loses its markers is not up to date, and cog cannot know it."""
    called = {call for page in PAGES for call in re.findall(r"\[\[\[cog\s+(\w+)", text(page))}
    assert called == set(PRODUCERS)


def test_no_generated_part_is_empty():
    """Code on the first line of a marker of several lines is ignored by cog."""
    empty = [name(page) for page in PAGES if re.search(r"\]\]\] -->\n<!-- \[", text(page))]
    assert empty == []


# ── the command ──


@pytest.fixture
def page(tmp_path, monkeypatch):
    """Make a repository of one page whose marker has some code."""
    path = tmp_path / "page.md"

    def make(code):
        path.write_text(
            f"# Title\n\n<!-- [[[cog {code} ]]] -->\nold\n<!-- [[[end]]] -->\n", "utf-8"
        )
        monkeypatch.setattr(docs, "ROOT", tmp_path)
        monkeypatch.setattr(pages, "pages", lambda: [path])
        return path

    return make


def test_docs_writes_what_check_finds_stale(page, capfd):
    path = page("diagram(1)")
    with pytest.raises(typer.Exit):
        docs.docs(check=True)
    assert "\nold\n" in path.read_text("utf-8")
    assert "make docs" in capfd.readouterr().err
    docs.docs(check=False)
    assert f"-->\n{diagrams.diagram(1)}\n<!--" in path.read_text("utf-8")
    docs.docs(check=True)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("snippet('nothing.py')", "there is no file nothing.py"),
        (f"snippet({os.__file__!r})", "there is no file"),
        ("snippet('docs')", "there is no file docs"),
        (f"snippet('{STORE}', 'nothing')", "there is no nothing"),
        (f"snippet('{STORE}', 'DynamoInventoryStore.nothing')", "there is no DynamoInv"),
        ("snippet('Makefile', 'up')", "only Python has names"),
        (f"snippet('{STORE}', 'self', 'return')", "more than one place"),
        (f"snippet('{STORE}', 'no such words', 'return')", "nothing holds"),
        (f"snippet('{STORE}', 'class DynamoInventoryStore', 'no such')", "nothing after"),
        ("settings(('x', 'pyproject.toml', 'nothing'))", "pyproject.toml assigns no nothing"),
        ("diagram(9)", "there is no stage 9"),
        ("stage_files(9)", "there is no stage 9"),
        ("exercise_list(9)", "stage 9 has no exercises"),
        ("event_catalogue('OrderCreate')", "there is no part 'OrderCreate'"),
        ("cost_table('bills')", "there is no table 'bills'"),
    ],
)
def test_a_marker_that_asks_for_nothing_is_refused_by_line(page, capfd, code, message):
    path = page(code)
    before = path.read_bytes()
    assert docs.cog() != 0
    assert f"page.md:3: {message}" in capfd.readouterr().err
    assert path.read_bytes() == before


# ── snippets ──

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
        ("top", "def top():", "    pass"),
    ],
)
def test_a_name_is_quoted_with_its_decorators(name, first, last):
    lines = snippets.named(SOURCE, name).splitlines()
    assert (lines[0], lines[-1]) == (first, last)


def test_a_name_that_occurs_twice_is_refused():
    with pytest.raises(UsageError, match="more than one top"):
        snippets.named(SOURCE + SOURCE, "top")


def test_lines_are_quoted_whole_from_words_to_words():
    assert snippets.between(SOURCE, "LIMIT", "= {") == "LIMIT: int = 3\nNAMES = {"
    assert snippets.between(SOURCE, "NAMES", "{") == "NAMES = {"
    assert snippets.between(SOURCE, "}\n\n\n@first", "second") == "}\n\n\n@first\n@second(1)"


def test_a_snippet_is_a_link_and_dedented_code():
    lesson = stage_folder(3) / "README.md"
    name = "DynamoInventoryStore.reserve"
    link, _, opening, first, *_ = snippets.snippet(STORE, name, page=lesson).splitlines()
    assert link == "[inventory_service/store.py](inventory_service/store.py)"
    assert (opening, first.partition("(")[0]) == ("```python", "def reserve")
    elsewhere = snippets.snippet(STORE, page=ROOT / "docs/cost.md")
    assert elsewhere.startswith(f"[{STORE}](../{STORE})\n")


def test_a_snippet_with_fences_gets_a_longer_fence():
    quote = snippets.snippet("notebooks/README.md", page=README)
    assert "```sh" in quote
    assert "\n\n````md\n" in quote
    assert quote.endswith("\n````")


# ── diagrams ──

ADDED = {
    1: {"order-api", "order-tracker", "Orders"},
    2: {"payment", "payment-refund", "Payments"},
    3: {"inventory", "Inventory"},
    4: {"shipping", "Shipments"},
}


def boxes(diagram, *, new=False):
    """The functions and tables in a diagram; or only those that are marked as new."""
    named = dict(re.findall(r"^  (\w+)(?:\[\(|\[)([\w-]+)(?:\)\]|\])$", diagram, re.MULTILINE))
    marked = re.findall(r"^  class (.+) new$", diagram, re.MULTILINE)
    return {name for key, name in named.items() if not new or key in marked[0].split(",")}


@pytest.mark.parametrize("stage", ADDED)
def test_a_diagram_shows_its_stage_and_marks_what_is_new(stage):
    diagram = diagrams.diagram(stage)
    assert boxes(diagram) == set().union(*(ADDED[each] for each in range(1, stage + 1)))
    assert boxes(diagram, new=True) == ADDED[stage]


def test_the_diagram_of_stage_5_has_every_consumer_in_one_box():
    diagram = diagrams.diagram(5)
    (names,) = re.findall(r'consumers\["(.+)"\]', diagram)
    patterns = in_stages("terraform/patterns/*.json", range(1, 6))
    assert set(names.split("<br>")) == {path.stem for path in patterns}
    assert boxes(diagram, new=True) == {"reconciler", "archive", "redrive"}


@pytest.mark.parametrize("stage", STAGES)
def test_every_arrow_of_a_diagram_is_between_its_boxes(stage):
    """Mermaid draws a misspelled name as one more box."""
    diagram = diagrams.diagram(stage)
    drawn = set(re.findall(r"(\w+)(?=\[|\(\[|\{)", diagram))
    used = set(re.findall(r"^  (\w+) |(?:-->|---|\.->) (\w+)$", diagram, re.MULTILINE))
    assert {name for pair in used for name in pair if name} - {"class", "classDef"} <= drawn


# ── lessons ──


@pytest.mark.parametrize("stage", STAGES)
def test_a_lesson_has_the_diagram_files_and_exercises_of_its_stage(stage):
    lesson = (stage_folder(stage) / "README.md").read_text("utf-8")
    calls = re.findall(r"\[\[\[cog (\w+)\((.*)\) \]\]\]", lesson)
    own = {(name, str(stage)) for name in ("diagram", "stage_files", "exercise_list")}
    anywhere = {"snippet", "performance_part"}  # code and figures where the text needs them
    assert {call for call in calls if call[0] not in anywhere} == own
    assert {name for name, _ in calls} > {name for name, _ in own}
    assert 2 <= len(exercise_list.exercise_list(stage).splitlines()[2:]) <= 5


@pytest.mark.parametrize("stage", STAGES)
def test_every_file_of_a_stage_is_listed_alone_or_with_its_folder(stage):
    folder = stage_folder(stage)
    listed = re.findall(
        r"\]\((.+?)\) \|", stage_files.stage_files(stage, page=folder / "README.md")
    )
    for path in pages.tracked(folder):
        name = path.relative_to(folder).as_posix()
        if path.name not in stage_files._LEFT_OUT and "/tests/" not in name:
            assert any(name == each or name.startswith(each) for each in listed), name
    assert all((folder / each).exists() for each in listed)
