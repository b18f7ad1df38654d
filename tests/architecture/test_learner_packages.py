"""The learner's command line imports nothing that only the development tools install."""

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

from workshop.paths import ROOT, stage_packages

OWN = ("workshop", "local_cloud", "orderflow", "recovery")
ELSEWHERE = ("workshop.notebooks", "workshop.check_report")
"""Modules that run with the development tools: those of JupyterLab and of `make check`."""


def _file_of(module: str) -> Path | None:
    roots = [ROOT, *(path.parent for path in stage_packages())]
    for root in roots:
        path = root.joinpath(*module.split("."))
        for found in (path.with_suffix(".py"), path / "__init__.py"):
            if found.is_file():
                return found
    return None


def _imports(path: Path) -> set[str]:
    """Return the names of the modules that a file imports anywhere."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{each.name}" for each in node.names)}
    return found


def _reached() -> dict[str, str]:
    """Return each foreign top-level module that the command line may import → who imports it."""
    foreign: dict[str, str] = {}
    queue = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in (ROOT / "workshop").rglob("*.py")
    ]
    seen: set[str] = set()
    while queue:
        module = queue.pop()
        path = _file_of(module)
        if module in seen or module.startswith(ELSEWHERE) or path is None:
            continue
        seen.add(module)
        for name in _imports(path):
            top = name.partition(".")[0]
            if top in OWN:
                queue.append(name)
            elif top not in sys.stdlib_module_names:
                foreign.setdefault(top, module)
    return foreign


def test_command_line_imports_only_packages_of_its_own_lock_file():
    lock = (ROOT / "requirements/workshop.lock").read_text("utf-8")
    locked = set(re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE))
    distributions = packages_distributions()
    missing = {
        name: importer
        for name, importer in _reached().items()
        if not {each.lower().replace("_", "-") for each in distributions.get(name, [name])} & locked
    }
    assert missing == {}
