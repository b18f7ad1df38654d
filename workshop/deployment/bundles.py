"""Build one zip per stage's package: what Lambda runs, and nothing else.

A bundle holds the package, ``orderflow`` and the functions' dependencies. It depends on
nothing but its sources: unchanged sources give the same bytes, and so an empty Terraform plan.

In place of ``orderflow.validators`` it holds the validators of its JSON Schemas as plain Python, so
that a cold start does not generate them.

With a Python of the runtime's version on the machine, a bundle also holds bytecode: on Lambda the
code's directory is read-only, and without bytecode every cold start compiles everything again.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from local_cloud.locking import exclusive
from workshop.console import say
from workshop.errors import WorkshopError
from workshop.files import is_leftover, write_atomically
from workshop.paths import BUNDLES, FUNCTION_DEPENDENCIES, MARKER, ROOT, in_stages, stage_packages

RUNTIME = "3.13"
"""The Python that the functions run on; Terraform's ``runtime`` says the same."""

SIZE_LIMIT = 1_300_000
"""Bytes a bundle may have (DESIGN §10): a larger one goes without bytecode."""

LEFT_OUT = tuple(
    f"aws_lambda_powertools/{part}/"
    for part in (
        # A web page's JavaScript: 0.45 of Powertools' 1.06 MB.
        "event_handler/openapi/swagger_ui",
        # Need packages that no bundle has (pydantic, an encryption SDK, Kafka formats, …).
        "utilities/auth_alpha",
        "utilities/data_masking",
        "utilities/kafka",
        "utilities/parser",
        # Larger utilities that no handler here uses: without them the bytecode fits.
        "utilities/batch",
        "utilities/circuit_breaker",
        "utilities/feature_flags",
        "utilities/idempotency",
        "utilities/parameters",
        "utilities/streaming",
    )
)
"""Parts of the dependencies that stay outside; a test imports every handler from its bundle."""

_MODULE = re.compile(r"(?:[^\W\d]\w*/)*[^\W\d]\w*\.py")
_DATA = re.compile(r"(?:[^\W\d]\w*/)*\w[\w.-]*\.json")
_VALIDATORS = "orderflow/validators.py"
_SCHEMA = ".schema.json"  # how the names of the schemas end that validators are generated from
_FORMAT = 2  # a new number remakes all bundles: raise it when this file packs differently
_FIXED_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can say
_LICENSES = ("AUTHORS", "COPYING", "LICENSE", "LICENCE", "NOTICE")

Files = dict[str, bytes]
"""What a bundle holds: names inside the zip, and contents."""

Source = tuple[str, bytes]
"""A module's name inside the zip, and its content."""


@dataclass(frozen=True)
class Bundle:
    """The zip of a package.

    Attributes:
        package: Its name, such as ``order_service``.
        path: The zip.
        changed: Whether it was just written.
    """

    package: str
    path: Path
    changed: bool


def build(root: Path = ROOT, target: Path = BUNDLES) -> list[Bundle]:
    """Make the bundle of every stage's package, or leave it alone when its sources are the same.

    Only one command builds at a time; others wait, and then use its bundles.

    Raises:
        WorkshopError: When a source file is not valid Python, or the dependencies are missing.
    """
    with exclusive(target / ".building"):
        return _build(root, target)


def source_folders(root: Path) -> list[Path]:
    """All packages of a repository that go into bundles."""
    return [root / "orderflow", *stage_packages(root)]


def find_compiler() -> Path | None:
    """An interpreter of the runtime's version that really runs; None when there is none."""
    return next((path for path in _candidates() if _is_runtime(path)), None)


def has_bytecode(bundle: Path) -> bool:
    """Whether a bundle starts without compiling."""
    with zipfile.ZipFile(bundle) as archive:
        return any(name.endswith(".pyc") for name in archive.namelist())


def warn_of_bytecode(made: Iterable[Bundle]) -> None:
    """Say when bundles that were just made go without bytecode."""
    if not all(has_bytecode(each.path) for each in made if each.changed):
        say(
            f"The bundles go without bytecode (no Python {RUNTIME} here, or too large): fine for "
            "the local cloud; on Lambda a cold start takes longer, and a machine that has it makes "
            "other bundles."
        )


def _build(root: Path, target: Path) -> list[Bundle]:
    if not (FUNCTION_DEPENDENCIES / MARKER).exists():  # half a bundle would import nothing on AWS
        raise WorkshopError("The functions' dependencies are not there yet: make setup")
    for handler in in_stages("*/handler.py", root=root):
        if not (handler.parent / "__init__.py").exists():
            folder = handler.parent.relative_to(root).as_posix()
            msg = f"{folder} is not a package: create an empty file {folder}/__init__.py"
            raise WorkshopError(msg)
    shared = _sources(root / "orderflow") | _dependencies(FUNCTION_DEPENDENCIES)
    contents = {folder.name: shared | _sources(folder) for folder in stage_packages(root)}
    compiler = find_compiler()
    stamps = {package: _stamp(files, compiler) for package, files in contents.items()}
    stale = {
        package: files
        for package, files in contents.items()
        if not _is_current(target / f"{package}.zip", stamps[package])
    }
    if stale:
        complete = {package: files | _validators(files) for package, files in stale.items()}
        bytecode = _compile(complete.values(), compiler) if compiler else {}
        for package, files in complete.items():
            _write(target / f"{package}.zip", files, bytecode, stamps[package])
    return [Bundle(each, target / f"{each}.zip", each in stale) for each in contents]


def _candidates() -> Iterator[Path]:
    if sys.version_info[:2] == tuple(map(int, RUNTIME.split("."))):
        yield Path(sys.executable)
    home = Path.home()
    pyenv = Path(os.environ.get("PYENV_ROOT", home / ".pyenv"))
    for place, pattern in (
        (pyenv, f"versions/{RUNTIME}.*/bin/python"),
        (home, f".local/share/uv/python/cpython-{RUNTIME}.*/bin/python{RUNTIME}"),
    ):
        with contextlib.suppress(OSError):  # another user's, perhaps
            yield from sorted(place.glob(pattern))
    for folder in os.get_exec_path():
        yield Path(folder) / f"python{RUNTIME}"
    if launcher := shutil.which("py"):  # Windows
        answer = subprocess.run(
            [launcher, f"-{RUNTIME}", "-c", "import sys; print(sys.executable)"],
            capture_output=True,
            text=True,
            check=False,
        )
        if not answer.returncode:
            yield Path(answer.stdout.strip())


def _is_runtime(python: Path) -> bool:
    """Whether it answers with the right version: a version manager's shim may only complain."""
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run(
            [python, "-I", "-S", "-c", ask], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.stdout.strip() == RUNTIME


def _sources(folder: Path) -> Files:
    """Return what Lambda runs of a package: modules that can be imported, and their JSON data."""
    return {
        f"{folder.name}/{name}": data
        for name, data in _files(folder).items()
        if _MODULE.fullmatch(name) or _DATA.fullmatch(name)
    }


def _files(folder: Path) -> Files:
    """Return a folder's files, without what running and testing leaves behind."""
    found = {path: path.relative_to(folder) for path in folder.rglob("*")}
    return {
        name.as_posix(): path.read_bytes()
        for path, name in found.items()
        if not is_leftover(name) and "tests" not in name.parts and path.is_file()
    }


def _dependencies(folder: Path) -> Files:
    """The installed packages; of pip's own records only the licences."""
    files = {}
    for name, data in _files(folder).items():
        top, _, rest = name.partition("/")
        is_code = top.endswith(".py") or (rest and top != "bin" and not top.endswith(".dist-info"))
        is_license = top.endswith(".dist-info") and Path(rest).name.startswith(_LICENSES)
        if (is_code or is_license) and not f"{top}/{rest}".startswith(LEFT_OUT):
            files[name] = data
    return files


def _stamp(files: Files, compiler: Path | None) -> str:
    """A hash of everything a bundle is made from."""
    digest = hashlib.sha256(f"{_FORMAT} {compiler} {version('fastjsonschema')}".encode())
    for name, data in sorted(files.items()):
        digest.update(f"{name} {hashlib.sha256(data).hexdigest()}".encode())
    return digest.hexdigest()


def _stamp_file(bundle: Path) -> Path:
    return bundle.with_suffix(".made-from")


def _is_current(bundle: Path, stamp: str) -> bool:
    try:
        return bundle.exists() and _stamp_file(bundle).read_text("utf-8") == stamp
    except OSError:
        return False


def _validators(files: Files) -> Files:
    """Return the module of the validators of all schemas among the files.

    Raises:
        WorkshopError: A schema is not valid.
    """
    schemas = sorted(name for name in files if name.endswith(_SCHEMA))
    if not schemas:
        return {}
    from fastjsonschema import JsonSchemaDefinitionException  # noqa: PLC0415 - slow, seldom needed

    from orderflow.validators import generate  # noqa: PLC0415

    def read(uri: str) -> Any:
        name = uri.removeprefix("file:///")
        try:
            return json.loads(files[name])
        except KeyError:
            raise WorkshopError(f"A schema refers to {name}, which does not exist.") from None
        except ValueError as error:
            raise WorkshopError(f"{name} is not valid JSON: {error}") from None

    try:
        code = generate([f"file:///{name}" for name in schemas], read)
    except (JsonSchemaDefinitionException, re.error) as error:
        raise WorkshopError(
            f"A schema is not valid: {error}. One of {', '.join(schemas)}"
        ) from None
    return {_VALIDATORS: code.encode()}


_COMPILE = """
import json, py_compile, sys
for source, target, shown in json.load(sys.stdin):
    py_compile.compile(source, target, shown, doraise=True,
                       invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
"""


def _compile(contents: Iterable[Files], compiler: Path) -> dict[Source, bytes]:
    """Return the bytecode of all modules of bundles.

    Raises:
        WorkshopError: When a module is not valid Python.
    """
    sources = dict.fromkeys(
        source for files in contents for source in files.items() if source[0].endswith(".py")
    )
    with tempfile.TemporaryDirectory() as folder:
        jobs, results = [], {}
        for number, (name, data) in enumerate(sources):
            path, result = Path(folder, f"{number}.py"), Path(folder, f"{number}.pyc")
            path.write_bytes(data)
            jobs.append((str(path), str(result), f"/var/task/{name}"))
            results[name, data] = result
        done = subprocess.run(
            [compiler, "-I", "-c", _COMPILE],
            input=json.dumps(jobs),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise WorkshopError(_syntax_error(done.stderr))
        return {source: path.read_bytes() for source, path in results.items()}


def _bytecode_name(module: str) -> str:
    folder, _, name = module.rpartition("/")
    cached = f"__pycache__/{name.removesuffix('.py')}.cpython-{RUNTIME.replace('.', '')}.pyc"
    return f"{folder}/{cached}" if folder else cached


def _syntax_error(stderr: str) -> str:
    """The compiler's last words: the place, the line and the fault, without the traceback."""
    start = stderr.rfind('  File "/var/task/')
    return f"A function's code is not valid Python:\n{stderr[start:].rstrip()}"


def _write(path: Path, files: Files, bytecode: dict[Source, bytes], stamp: str) -> None:
    """Write a bundle and what it was made from."""
    wanted = {
        _bytecode_name(source[0]): bytecode[source]
        for source in files.items()
        if source in bytecode
    }
    data = _zip(files | wanted)
    if len(data) > SIZE_LIMIT:
        data = _zip(files)
    _stamp_file(path).unlink(missing_ok=True)
    for target, content in ((path, data), (_stamp_file(path), stamp.encode())):
        write_atomically(target, content)


def _zip(files: Files) -> bytes:
    with tempfile.SpooledTemporaryFile() as handle:
        with zipfile.ZipFile(handle, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for name, data in sorted(files.items()):
                entry = zipfile.ZipInfo(name, _FIXED_DATE)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.create_system = 3  # Unix, wherever this runs
                entry.external_attr = 0o100644 << 16
                archive.writestr(entry, data)
        handle.seek(0)
        return handle.read()
