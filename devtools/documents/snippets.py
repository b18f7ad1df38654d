"""Code quoted from its file: a name, the lines between two words, or the whole file."""

import ast
import os
import re
import textwrap
from pathlib import Path

from workshop.errors import UsageError
from workshop.paths import ROOT

_LANGUAGES = {".py": "python", ".tf": "hcl", ".yml": "yaml"}
"""Suffix → GitHub's name of the language, if it is not the suffix."""


def snippet(path: str, first: str = "", last: str = "", *, page: Path) -> str:
    """Return a part of a file as a link and a code block.

    Args:
        path: from the repository's root.
        first: a name in Python such as `Class.method`; or, with `last`, words of the first line.
        last: words of the last line.
        page: the page of the snippet, from where the link leads.

    Raises:
        UsageError: There is no such file, name or line, or there are two.
    """
    file, code = ROOT / path, _read(path)
    if last:
        code = between(code, first, last)
    elif first:
        code = named(code, first)
    code = textwrap.dedent(code).strip("\n")
    near = page.parent if page.parent != ROOT and file.is_relative_to(page.parent) else ROOT
    link = Path(os.path.relpath(file, page.parent)).as_posix()
    language = _LANGUAGES.get(file.suffix, file.suffix.removeprefix("."))
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", code))])
    return f"[{file.relative_to(near).as_posix()}]({link})\n\n{fence}{language}\n{code}\n{fence}"


def settings(*wanted: tuple[str, str, str], page: Path) -> str:
    """Return settings as a table: the meaning of each, and the line that assigns it.

    Args:
        wanted: for each what it is, its file from the repository's root, and its name.
        page: the page of the table, from where links lead.

    Raises:
        UsageError: A file assigns no such name.
    """
    rows = ["| what | setting |", "|---|---|"]
    for what, path, name in wanted:
        found = re.search(rf"^ *{name} *= *(.+?) *(#.*)?$", _read(path), re.MULTILINE)
        if not found:
            raise UsageError(f"{path} assigns no {name}")
        link = Path(os.path.relpath(ROOT / path, page.parent)).as_posix()
        rows.append(f"| {what} | [`{name} = {found[1]}`]({link}) |")
    return "\n".join(rows)


def named(source: str, name: str) -> str:
    """Return the lines of a Python function, class, method (`Class.method`) or constant.

    Raises:
        UsageError: There is no such name, or more than one; or this is not Python.
    """
    try:
        node: ast.AST = ast.parse(source)
    except SyntaxError:
        raise UsageError(f"only Python has names; first and last words are missing: {name}") from (
            None
        )
    for part in name.split("."):
        found = [each for each in ast.iter_child_nodes(node) if part in _names(each)]
        if len(found) != 1:
            raise UsageError(f"there is {'no' if not found else 'more than one'} {name}")
        node = found[0]
    assert isinstance(node, ast.stmt)  # noqa: S101 - only statements have names
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(each.lineno for each in decorators)])
    return "\n".join(source.splitlines()[first - 1 : node.end_lineno])


def between(text: str, first: str, last: str) -> str:
    """Return the lines from the only one that contains `first` to the next that contains `last`.

    Raises:
        UsageError: Not exactly one line contains `first`, or no later one contains `last`.
    """
    if (count := text.count(first)) != 1:
        raise UsageError(f"{'nothing' if not count else 'more than one place'} holds “{first}”")
    begins = text.find(first)
    end = text.find(last, begins)
    if end < 0:
        raise UsageError(f"nothing after “{first}” holds “{last}”")
    start = text.rfind("\n", 0, begins) + 1
    stop = text.find("\n", end + len(last))
    return text[start : stop if stop >= 0 else len(text)]


def _read(path: str) -> str:
    """Return the text of a file of the repository."""
    file = (ROOT / path).resolve()
    if not file.is_file() or not file.is_relative_to(ROOT):
        raise UsageError(f"there is no file {path}")
    return file.read_text("utf-8")


def _names(node: ast.AST) -> set[str]:
    """Return the names that a statement defines."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return {each.id for each in targets if isinstance(each, ast.Name)}
