"""The server checks all private names of MiniStack that the local cloud uses."""

import ast
from pathlib import Path

from local_cloud.ministack.version_check import NAMES
from tests.fixtures.sources import code_of, tree
from workshop.paths import ROOT

CODE = [
    path
    for path in code_of(ROOT / "local_cloud")
    if path.name != "version_check.py" and "ministack" in path.read_text("utf-8")
]


def modules_of(path: Path) -> dict[str, str]:
    """Return what a file imports from MiniStack: the module's whole name by its name here."""
    return {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ministack")
        for alias in node.names
    }


def private_names_of(path: Path) -> set[tuple[str, str]]:
    """Return the private names that a file reads from modules of MiniStack, or replaces in them."""
    modules, found = modules_of(path), set()
    for node in ast.walk(tree(path)):
        match node:
            case ast.Attribute(value=ast.Name(id=module), attr=name) if module in modules:
                found.add((modules[module], name))
            case ast.Call(args=[ast.Name(id=module), ast.Constant(value=str(name)), *_]) if (
                module in modules
            ):
                found.add((modules[module], name))
    return {(module, name) for module, name in found if name.startswith("_")}


def test_every_private_name_that_is_used_is_checked():
    used = {each for path in CODE for each in private_names_of(path)}
    assert len(used) > 100
    assert used - NAMES.keys() == set()


def test_every_name_that_is_checked_is_used():
    words = set()
    for path in CODE:
        for node in ast.walk(tree(path)):
            match node:
                case ast.Attribute(attr=name) | ast.Constant(value=str(name)):
                    words.add(name)
                case ast.ImportFrom(names=names):
                    words |= {alias.name for alias in names}
                case ast.FunctionDef(name=name):  # a method that a subclass replaces
                    words.add(name)
    assert {name for _, name in NAMES if name.rpartition(".")[2] not in words} == set()
