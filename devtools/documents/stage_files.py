"""The files that a stage adds, with the first sentence of each file's description."""

import ast
import json
import re
from pathlib import Path

from devtools.documents.pages import tracked
from workshop.errors import UsageError
from workshop.paths import STAGES, stage_folder

_FOLDERS = {"tests": "the tests of this stage", "exercises": "the exercises of this stage"}
"""Folders listed in one line, and their contents."""

_LEFT_OUT = {
    *("README.md", "__init__.py", ".terraform.lock.hcl"),
    *("providers.tf", "variables.tf", "outputs.tf", "versions.tf"),
}
"""What every stage has."""

_JSON = {
    "patterns": "the events that the function receives",
    "catalogue.json": "the items and their prices",
    "alarms.json": "the alarms and their thresholds",
}
"""Descriptions of JSON files, which have no comments."""


def stage_files(stage: int, *, page: Path) -> str:
    """Return the files of a stage as a table.

    Args:
        stage: its number.
        page: the page of the table, from where links lead.

    Raises:
        UsageError: There is no such stage, or a file has no description.
    """
    if stage not in STAGES:
        raise UsageError(f"there is no stage {stage}")
    folder = stage_folder(stage)
    files = [path.relative_to(folder) for path in tracked(folder)]
    listed = [
        path
        for path in files
        if path.parts[0] not in _FOLDERS
        and "tests" not in path.parts
        and path.name not in _LEFT_OUT
    ]
    # Code first, then Terraform.
    listed.sort(key=lambda path: (path.parts[0] == "terraform", path.as_posix()))
    rows = [("file", "what it is"), ("---", "---")]
    rows += [(_link(path, folder, page), _first_sentence(folder / path)) for path in listed]
    rows += [
        (_link(Path(name), folder, page), what)
        for name, what in _FOLDERS.items()
        if any(path.parts[0] == name for path in files)
    ]
    return "\n".join(f"| {name} | {what} |" for name, what in rows)


def _link(path: Path, folder: Path, page: Path) -> str:
    target = (folder / path).relative_to(page.parent).as_posix()
    directory = "/" if (folder / path).is_dir() else ""
    return f"[{path.as_posix()}{directory}]({target}{directory})"


def _first_sentence(path: Path) -> str:
    """Return the first sentence of a file's own description."""
    text = path.read_text("utf-8")
    match path.suffix:
        case ".py":
            words = ast.get_docstring(ast.parse(text)) or ""
        case ".tf" | ".toml" if path.name != "stage.toml":
            comment = re.match(r"(?:# ?.*\n)+", text)
            words = re.sub(r"^# ?", "", comment[0], flags=re.MULTILINE) if comment else ""
        case ".toml":
            words = "What the stage adds to the flow: its functions, its table and its steps."
        case ".json":
            content = json.loads(text)
            schema = content if "$schema" in content else {}
            described = schema.get("description") or schema.get("title")
            words = described or _JSON.get(path.name) or _JSON.get(path.parent.name) or ""
        case _:
            words = ""
    sentence = re.split(r"(?<=\.)\s|\n\n|:\n ", words.strip())[0]
    if not sentence:
        raise UsageError(f"{path.name} has no description: add a docstring or a comment")
    return " ".join(sentence.split()).rstrip(".").replace("|", r"\|")
