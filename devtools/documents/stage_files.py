"""The files that a stage adds, and the first sentence of each about itself."""

import ast
import json
import re
from pathlib import Path

from devtools.documents.pages import tracked
from workshop.errors import UsageError
from workshop.paths import stage_folder

_FOLDERS = {"tests": "what it promises, as tests", "exercises": "what you can fix"}
"""Folders listed in one line, and what they hold."""

_LEFT_OUT = {
    *("README.md", "__init__.py", ".terraform.lock.hcl"),
    *("providers.tf", "variables.tf", "outputs.tf", "versions.tf"),
}
"""What every stage has."""

_JSON = {
    "patterns": "which events the function receives",
    "catalogue.json": "what is sold, and for how much",
    "alarms.json": "what people are alerted to",
}
"""JSON has no comments: what a file, or those of a folder, are."""


def stage_files(stage: int, *, page: Path) -> str:
    """Return the files of a stage as a table.

    Args:
        stage: its number.
        page: the page of the table, from where links lead.

    Raises:
        UsageError: There is no such stage, or a file does not say what it is.
    """
    folder = stage_folder(stage)
    if folder is None:
        raise UsageError(f"there is no stage {stage}")
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
    """The first sentence of a file about itself."""
    text = path.read_text("utf-8")
    match path.suffix:
        case ".py":
            words = ast.get_docstring(ast.parse(text)) or ""
        case ".tf":
            comment = re.match(r"(?:# ?.*\n)+", text)
            words = re.sub(r"^# ?", "", comment[0], flags=re.MULTILINE) if comment else ""
        case ".json":
            content = json.loads(text)
            schema = content if "$schema" in content else {}
            described = schema.get("description") or schema.get("title")
            words = described or _JSON.get(path.name) or _JSON.get(path.parent.name) or ""
        case _:
            words = ""
    sentence = re.split(r"(?<=\.)\s|\n\n|:\n ", words.strip())[0]
    if not sentence:
        raise UsageError(f"{path.name} does not say what it is: add a docstring or a comment")
    return " ".join(sentence.split()).rstrip(".").replace("|", r"\|")
