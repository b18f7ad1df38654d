"""Code quoted from its file: a name, the lines between two words, or the whole file."""

import ast
import os
import re
import textwrap
from pathlib import Path

from workshop.errors import UsageError
from workshop.paths import ROOT

_LANGUAGES = {".py": "python", ".tf": "hcl", ".yml": "yaml"}
"""Suffix → what GitHub calls the language, where it is not the suffix itself."""

_WORDS = re.compile(r'(\S+) "(.+)" … "(.+)"')


def region(argument: str, page: Path) -> str:
    """Return a piece of a file: where it stands, and its lines.

    Args:
        argument: `PATH`, `PATH NAME` or `PATH "first words" … "last words"`.
        page: Where it will stand.

    Raises:
        UsageError: There is no such file, name or line, or there are two.
    """
    name = argument.split(" ", maxsplit=1)[0]
    path = (ROOT / name).resolve()
    if not name or not path.is_file() or not path.is_relative_to(ROOT):
        raise UsageError(f"there is no file {name}")
    text = path.read_text("utf-8")
    if words := _WORDS.fullmatch(argument):
        quoted = between(text, words[2], words[3])
    elif " " in argument:
        quoted = _of_python(text, path, argument.partition(" ")[2])
    else:
        quoted = text
    near = page.parent if page.parent != ROOT and path.is_relative_to(page.parent) else ROOT
    link = Path(os.path.relpath(path, page.parent)).as_posix()
    language = _LANGUAGES.get(path.suffix, path.suffix.removeprefix("."))
    code = textwrap.dedent(quoted).strip("\n")
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", code))])
    return f"[{path.relative_to(near).as_posix()}]({link})\n\n{fence}{language}\n{code}\n{fence}"


def _of_python(text: str, path: Path, name: str) -> str:
    if path.suffix != ".py" or not all(part.isidentifier() for part in name.split(".")):
        raise UsageError(
            f'{name} is no name in Python; lines of any file: PATH "first words" … "last words"'
        )
    return named(text, name)


def named(source: str, name: str) -> str:
    """Return the lines of a Python function, class, method (`Class.method`) or constant.

    Raises:
        UsageError: There is none of that name.
    """
    node: ast.AST = ast.parse(source)
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
    r"""Return the lines from the only one that holds `first` to the next that holds `last`.

    Args:
        text: the file.
        first: words of the first line; `\n` stands for a line's end, `\"` for a quotation mark.
        last: words of the last line.

    Raises:
        UsageError: No line, or more than one, begins it; or none ends it.
    """
    begins = _plain(first)
    places = [found.start() for found in re.finditer(re.escape(begins), text)]
    if len(places) != 1:
        raise UsageError(f"{'nothing' if not places else 'more than one place'} holds “{begins}”")
    end = text.find(_plain(last), places[0])
    if end < 0:
        raise UsageError(f"nothing behind “{begins}” holds “{_plain(last)}”")
    start = text.rfind("\n", 0, places[0]) + 1
    stop = text.find("\n", end + len(_plain(last)))
    return text[start : stop if stop >= 0 else len(text)]


def _plain(words: str) -> str:
    return words.replace(r"\n", "\n").replace(r"\"", '"')


def _names(node: ast.AST) -> set[str]:
    """What a statement defines."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return {each.id for each in targets if isinstance(each, ast.Name)}
