"""Files that are generated whole."""

from collections.abc import Callable
from pathlib import Path

from workshop.documents import asyncapi
from workshop.paths import ROOT

FILES: dict[Path, Callable[[], bytes]] = {
    ROOT / "docs/asyncapi.yaml": asyncapi.document,
}
"""Path → what belongs into it."""
