"""The files that a stage adds, and what each of them is, in its own words."""

import ast
import json
import re
from pathlib import Path

from devtools.documents.pages import tracked
from workshop.errors import UsageError
from workshop.paths import stage_folder

_ELSEWHERE = {"tests": "what it promises, as tests", "exercises": "what you can fix"}
"""Folders told in one line, and what they hold."""

_NOT_TOLD = {
    *("README.md", "__init__.py", ".terraform.lock.hcl"),
    *("providers.tf", "variables.tf", "outputs.tf", "versions.tf"),
}
"""What each stage has and nobody looks for."""


def region(argument: str, page: Path) -> str:
    """Return the files of a stage as a table.

    Args:
        argument: the stage's number.
        page: Where it will stand; links lead from there.

    Raises:
        UsageError: There is no such stage, or a file does not say what it is.
    """
    folder = stage_folder(int(argument)) if argument.isdecimal() else None
    if folder is None:
        raise UsageError(f"there is no stage {argument}")
    files = [path.relative_to(folder) for path in tracked(folder)]
    own = [path for path in files if path.parts[0] not in _ELSEWHERE and "tests" not in path.parts]
    told = [path for path in own if path.name not in _NOT_TOLD]
    # Code first, then what Terraform makes of it.
    told.sort(key=lambda path: (path.parts[0] == "terraform", path.as_posix()))
    rows = ["| file | what it is |", "|---|---|"]
    rows += [f"| {_link(path, folder, page)} | {_says(folder / path)} |" for path in told]
    rows += [
        f"| {_link(Path(name), folder, page)} | {what} |"
        for name, what in _ELSEWHERE.items()
        if any(path.parts[0] == name for path in files)
    ]
    return "\n".join(rows)


def _link(path: Path, folder: Path, page: Path) -> str:
    target = (folder / path).relative_to(page.parent).as_posix()
    directory = "/" if (folder / path).is_dir() else ""
    return f"[{path.as_posix()}{directory}]({target}{directory})"


def _says(path: Path) -> str:
    """The first sentence of a file about itself."""
    text = path.read_text("utf-8")
    match path.suffix:
        case ".py":
            words = ast.get_docstring(ast.parse(text)) or ""
        case ".tf":
            comment = re.match(r"(?:# ?.*\n)+", text)
            words = re.sub(r"^# ?", "", comment[0], flags=re.MULTILINE) if comment else ""
        case ".json":
            words = _of_json(path, json.loads(text))
        case _:
            words = ""
    sentence = re.split(r"(?<=\.)\s|\n\n|:\n ", words.strip())[0]
    if not sentence:
        raise UsageError(f"{path.name} does not say what it is: give it a docstring, or a comment")
    return " ".join(sentence.split()).rstrip(".").replace("|", r"\|")


_JSON = {
    "patterns": "which events the function is sent",
    "catalogue.json": "what is sold, and for how much",
    "alarms.json": "what people are woken for",
}
"""JSON has no comments: what a file, or those of a folder, are."""


def _of_json(path: Path, content: object) -> str:
    if isinstance(content, dict) and "$schema" in content:
        return str(content.get("description") or content.get("title") or "")
    return _JSON.get(path.name) or _JSON.get(path.parent.name) or ""
