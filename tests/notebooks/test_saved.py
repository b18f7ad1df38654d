"""Tests of the saved notebooks, as GitHub shows them."""

import base64
import copy
import re

import nbformat
import pytest

from devtools.notebooks.files import paths
from devtools.notebooks.refresh import METADATA
from workshop.paths import ROOT, STAGES, stage_folder

NOTEBOOKS = paths()
SHOWN_BY_GITHUB = {"text/plain", "text/html", "image/png", "image/svg+xml"}
WIDEST = 110
"""Maximum characters of a line; longer lines scroll sideways."""
LARGEST_PICTURE = 150_000
"""Maximum bytes of a picture."""


def read(path):
    return nbformat.read(path, as_version=4)


def problems(notebook):
    """Return what is wrong with a saved notebook, cell by cell."""
    found = []
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if notebook.metadata != METADATA:
        found.append("its metadata names the machine it was saved on")
    if [cell.execution_count for cell in code] != list(range(1, len(code) + 1)):
        found.append("its cells were not run once each, in order")
    for number, cell in enumerate(code, 1):
        found += [f"cell {number} {problem}" for problem in problems_of(cell)]
    return found


def problems_of(cell):
    tags = cell.metadata.get("tags", ())
    if len(cell.outputs) != 1:
        yield f"has {len(cell.outputs)} outputs, not one"
    if set(cell.metadata) - {"tags"}:
        yield "has metadata"
    if "NBVAL" in cell.source or any(tag.startswith("nbval") for tag in tags):
        yield "is not compared like the others"
    for output in cell.outputs:
        yield from problems_of_output(output)


def problems_of_output(output):
    data = output.get("data", {})
    html, words = data.get("text/html", ""), data.get("text/plain", "")
    picture = base64.b64decode(data.get("image/png", "")) or data.get("image/svg+xml", "")
    text = output.get("text", "" if html or picture else words)
    checks = {
        f"ended with {output.get('ename')}": output.output_type == "error",
        "writes to stderr": output.get("name") == "stderr",
        "has no output": not (text or html or picture),
        "has output that GitHub does not show": set(data) - SHOWN_BY_GITHUB,
        "needs JavaScript": re.search(
            "<script|<iframe|javascript:", html + data.get("image/svg+xml", "")
        ),
        "scrolls sideways": any(len(line) > WIDEST for line in text.splitlines()),
        "lost its picture": words.startswith("Picture: ") and not picture,
        "has a picture that is too large": len(picture) > LARGEST_PICTURE,
    }
    return [problem for problem, found in checks.items() if found]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_saved_notebook_is_complete(path):
    """Each cell was run in order and has one output that GitHub shows."""
    assert problems(read(path)) == []


@pytest.mark.parametrize("stage", STAGES)
def test_each_stage_has_a_notebook(stage):
    name = stage_folder(stage).name
    assert [path for path in NOTEBOOKS if path.stem.startswith(name)]


def test_first_notebook_is_the_tour():
    assert NOTEBOOKS[0].stem == "00-tour"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_connects_first_and_cleans_up_last(path):
    """Each has its own customer, because clean-up deletes all of a customer's orders."""
    code = [cell.source for cell in read(path).cells if cell.cell_type == "code"]
    number = path.stem[:2]
    assert f'customer="notebook-{number}"' in code[0]
    assert re.search(r"^clean_up\(stack\)$", code[-1], re.MULTILINE)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_has_the_usual_headings(path):
    text = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    for heading in ("What you will see", "Your turn", "Clean up"):
        assert re.search(rf"^(## |\*\*).*{heading}", text, re.MULTILINE), heading


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_links_of_a_notebook_point_to_existing_files(path):
    """They are relative to the notebook's folder."""
    text = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)", text)
    assert links
    for link in links:
        target = (path.parent / link).resolve()
        assert target.exists(), link
        assert target.is_relative_to(ROOT)


def stripped(notebook):
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []


def uncounted(notebook):
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.execution_count = None


def out_of_order(notebook):
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    code[0].execution_count, code[1].execution_count = 2, 1


def chatty(notebook):
    notebook.cells[0].outputs.append(nbformat.v4.new_output("stream", name="stderr", text="oh\n"))


def failed(notebook):
    notebook.cells[0].outputs = [nbformat.v4.new_output("error", ename="KeyError", evalue="x")]


def scripted(notebook):
    data = {"text/html": "<script>alert(1)</script>", "text/plain": "x"}
    notebook.cells[0].outputs = [nbformat.v4.new_output("display_data", data=data)]


def left_out(notebook):
    notebook.cells[0].source = f"# NBVAL_IGNORE_OUTPUT\n{notebook.cells[0].source}"


def pictureless(notebook):
    data = {"text/plain": "Picture: an order's journey"}
    notebook.cells[0].outputs = [nbformat.v4.new_output("display_data", data=data)]


@pytest.mark.parametrize(
    "damage",
    [stripped, uncounted, out_of_order, chatty, failed, scripted, left_out, pictureless],
    ids=lambda damage: damage.__name__,
)
def test_check_finds_each_damage(damage):
    """An intact notebook passes the check."""
    output = [nbformat.v4.new_output("stream", name="stdout", text="1 order\n")]
    cells = [
        nbformat.v4.new_code_cell("say()", execution_count=number, outputs=copy.deepcopy(output))
        for number in (1, 2)
    ]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=copy.deepcopy(METADATA))
    assert problems(notebook) == []
    damage(notebook)
    assert problems(notebook) != []
