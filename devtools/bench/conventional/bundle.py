"""The bundle of the conventional twin: its code, and the packages that it imports."""

import io
import zipfile
from functools import cache
from importlib.metadata import distribution
from pathlib import Path, PurePosixPath

SHOP = Path(__file__).with_name("shop")

PACKAGES = (
    "aws-lambda-powertools",
    "jmespath",
    "typing-extensions",
    # of the extra `parser`
    "pydantic",
    "pydantic-core",
    "annotated-types",
    "typing-inspection",
    # of the extra `tracer`, which also requires botocore: that is taken from the runtime
    "aws-xray-sdk",
    "wrapt",
)
"""What it needs beside boto3. They come from the environment of the development tools, which is
made from the lock files, for the Python that also runs the local cloud's functions."""


@cache
def build() -> bytes:
    """Return the zip."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(SHOP.glob("*.py")):
            archive.write(path, f"{SHOP.name}/{path.name}")
        for package in PACKAGES:
            for file in distribution(package).files or ():
                if _is_code(file):
                    archive.write(Path(str(file.locate())), file.as_posix())
    return buffer.getvalue()


def _is_code(file: PurePosixPath) -> bool:
    """Return whether an installed file is part of a package."""
    top = file.parts[0]
    return top not in ("..", "bin") and not top.endswith(".dist-info") and file.suffix != ".pyc"
