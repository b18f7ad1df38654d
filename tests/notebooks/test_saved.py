"""The notebooks as they are saved: what most people see first, on GitHub."""

import base64
import copy
import re

import nbformat
import pytest

from devtools.notebooks.files import paths
from devtools.notebooks.refresh import METADATA
from workshop.paths import ROOT, STAGES, stage_folder

NOTEBOOKS = paths()
SHOWN_BY_GITHUB = {"text/plain", "text/html", "image/png"}
WIDEST = 110
"""Characters of a line of text, before a page scrolls sideways."""
LARGEST_PNG = 150_000
"""Bytes: pages of a few pictures load at once."""


def read(path):
    return nbformat.read(path, as_version=4)


def faults(notebook):
    """What is wrong with a saved notebook, cell by cell."""
    found = []
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if notebook.metadata != METADATA:
        found.append("its metadata tells of the machine it was saved on")
    if [cell.execution_count for cell in code] != list(range(1, len(code) + 1)):
        found.append("its cells were not run once each, in order")
    for number, cell in enumerate(code, 1):
        found += [f"cell {number} {fault}" for fault in faults_of(cell)]
    return found


def faults_of(cell):
    tags = cell.metadata.get("tags", ())
    if len(cell.outputs) != 1:
        yield f"has {len(cell.outputs)} outputs, not one"
    if set(cell.metadata) - {"tags"}:
        yield "has metadata"
    if "NBVAL" in cell.source or any(tag.startswith("nbval") for tag in tags):
        yield "is not compared like the others"
    for output in cell.outputs:
        yield from faults_of_output(output)


def faults_of_output(output):
    data = output.get("data", {})
    html, words = data.get("text/html", ""), data.get("text/plain", "")
    picture = base64.b64decode(data.get("image/png", ""))
    text = output.get("text", "" if html or picture else words)
    checks = {
        f"ended with {output.get('ename')}": output.output_type == "error",
        "says something on stderr": output.get("name") == "stderr",
        "says nothing": not (text or html or picture),
        "shows what GitHub does not": set(data) - SHOWN_BY_GITHUB,
        "needs JavaScript": re.search("<script|<iframe|javascript:", html),
        "scrolls sideways": any(len(line) > WIDEST for line in text.splitlines()),
        "lost its picture": words.startswith("Picture: ") and not picture,
        "has a picture that is too large": len(picture) > LARGEST_PNG,
    }
    return [fault for fault, found in checks.items() if found]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_is_saved_is_whole(path):
    """Each cell was run in order, says one thing, and GitHub can show it."""
    assert faults(read(path)) == []


@pytest.mark.parametrize("stage", STAGES)
def test_each_stage_has_its_notebook(stage):
    folder = stage_folder(stage)
    name = folder.name if folder else f"{stage:02d}-"
    assert [path for path in NOTEBOOKS if path.stem.startswith(name)]


def test_there_is_a_tour_of_the_finished_system():
    assert NOTEBOOKS[0].stem == "00-tour"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_connects_first_and_cleans_up_last(path):
    """With a customer of its own: clean-up removes all that is theirs."""
    code = [cell.source for cell in read(path).cells if cell.cell_type == "code"]
    number = path.stem[:2]
    assert f'customer="notebook-{number}"' in code[0]
    assert re.search(r"^clean_up\(stack\)$", code[-1], re.MULTILINE)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_has_the_parts_that_a_reader_looks_for(path):
    text = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    for heading in ("What you will see", "Your turn", "Clean up"):
        assert re.search(rf"^(## |\*\*).*{heading}", text, re.MULTILINE), heading


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_its_links_lead_somewhere(path):
    """Links to files of the repository, seen from the notebook's folder."""
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
    "harm",
    [stripped, uncounted, out_of_order, chatty, failed, scripted, left_out, pictureless],
    ids=lambda harm: harm.__name__,
)
def test_the_check_sees_what_is_wrong(harm):
    """The check itself: a sound notebook passes, and each harm to it is found."""
    said = [nbformat.v4.new_output("stream", name="stdout", text="1 order\n")]
    cells = [
        nbformat.v4.new_code_cell("say()", execution_count=number, outputs=copy.deepcopy(said))
        for number in (1, 2)
    ]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=copy.deepcopy(METADATA))
    assert faults(notebook) == []
    harm(notebook)
    assert faults(notebook) != []
