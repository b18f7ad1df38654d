"""Run notebooks and save their outputs."""

import os
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from devtools.test_runner import CELL_SECONDS
from workshop.deployment.stack import CLOUD_VARIABLE
from workshop.errors import WorkshopError
from workshop.files import write_atomically

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
"""The kernel's metadata of a saved notebook: nothing that differs from machine to machine."""


def refresh(path: Path, cloud: str) -> None:
    """Run a notebook on a cloud's stack, in a new kernel, and save it with its outputs.

    Raises:
        WorkshopError: A cell failed; the file is unchanged.
    """
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        kernel_name=METADATA["kernelspec"]["name"],
        record_timing=False,
        coalesce_streams=True,
        extra_arguments=["--IPKernelApp.log_level=ERROR"],  # it warns of its loopback connection
        resources={"metadata": {"path": str(path.parent)}},
    )
    try:
        client.execute(env=os.environ | {CLOUD_VARIABLE: cloud})
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        raise WorkshopError(f"{path.name} failed.\n{error}") from error
    notebook.metadata = nbformat.from_dict(METADATA)  # type: ignore[no-untyped-call]
    for cell in notebook.cells:
        cell.metadata = {key: cell.metadata[key] for key in ("tags",) if cell.metadata.get(key)}
    text = nbformat.writes(notebook)  # type: ignore[no-untyped-call]
    try:
        write_atomically(path, f"{text}\n")
    except OSError as error:
        raise WorkshopError(f"{path} cannot be written: {error.strerror}.") from error
