"""Notebooks as files: compare their outputs, and run them."""

import json

import nbformat
import pytest

from devtools import test_runner
from devtools.notebooks import files
from devtools.notebooks.refresh import METADATA, refresh
from workshop.errors import UsageError, WorkshopError

CELLS = (
    "import json, os\njson.dumps({'cloud': os.environ['WORKSHOP_CLOUD']})",
    "for done in range(1, 4):\n    print(f'\\r{done} of 3 orders', end='')",
    "import time\nprint(f'order ord_{time.time_ns():032x} after {time.perf_counter():.0f} ms')",
)


@pytest.fixture(autouse=True)
def reports(tmp_path, monkeypatch):
    """Reports of their own: the real notebooks may be running at the same time."""
    monkeypatch.setattr(test_runner, "REPORTS", tmp_path)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A notebook as `notebooks-refresh` saves it."""
    path = tmp_path_factory.mktemp("notebooks") / "some.ipynb"
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    cells[0].metadata = {"tags": ["keep"], "execution": {"iopub.status.busy": "2026-01-01"}}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"widgets": {}})
    nbformat.write(notebook, path)
    refresh(path, "some-cloud")
    return path


def texts(path):
    cells = nbformat.read(path, as_version=4).cells
    outputs = [output for cell in cells for output in cell.outputs]
    return [each.get("text") or each["data"]["text/plain"] for each in outputs]


def test_a_refreshed_notebook_holds_what_it_said(saved):
    """It ran on the cloud that was named; of a line that changed, its last form is kept."""
    said = texts(saved)
    assert "some-cloud" in said[0]
    assert said[1] == "3 of 3 orders"


def test_nothing_of_the_machine_is_saved(saved):
    notebook = json.loads(saved.read_text("utf-8"))
    assert notebook["metadata"] == METADATA
    assert [cell["metadata"] for cell in notebook["cells"]] == [{"tags": ["keep"]}, {}, {}]
    assert [cell["execution_count"] for cell in notebook["cells"]] == [1, 2, 3]


def test_the_same_again_passes_though_ids_and_durations_differ(saved):
    tally = test_runner.compared("some-cloud", [saved], quiet=True)
    assert (tally.passed, tally.failed) == (len(CELLS), 0)


def test_another_output_fails(saved, capsys):
    """What the notebook says is not what is saved in it: the cell is named, with both."""
    tally = test_runner.compared("another-cloud", [saved], quiet=True)
    assert (tally.passed, tally.failed) == (len(CELLS) - 1, 1)
    output = capsys.readouterr().out
    assert "Cell outputs differ" in output
    assert "another-cloud" in output


def test_leniently_the_cells_only_have_to_run(saved):
    tally = test_runner.compared("another-cloud", [saved], strict=False, quiet=True)
    assert (tally.passed, tally.failed) == (len(CELLS), 0)


def test_a_cell_that_fails_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "here/broken.ipynb"
    path.parent.mkdir()
    cells = [nbformat.v4.new_code_cell(source) for source in ("1 + 1", "1 / 0")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    before = path.read_bytes()
    with pytest.raises(WorkshopError, match=r"broken\.ipynb failed[\s\S]*ZeroDiv"):
        refresh(path, "some-cloud")
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_notebooks_go_by_their_names():
    everything = files.paths()
    assert files.paths(["03-inventory", "01-order-service.ipynb"]) == [everything[3], everything[1]]
    with pytest.raises(UsageError, match=r"There is no notebook 99: 00-tour, 01-order-service, "):
        files.paths(["99"])
