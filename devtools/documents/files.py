"""Files that are generated whole."""

from collections.abc import Callable
from pathlib import Path

from devtools.documents import asyncapi
from devtools.scaling import files as scaling
from workshop.paths import ROOT

FILES: dict[Path, Callable[[], bytes]] = {
    ROOT / "docs/asyncapi.yaml": asyncapi.document,
    scaling.CEILINGS: scaling.ceilings_picture,
    scaling.HOT_SKU: scaling.hot_sku_picture,
}
"""Path → what belongs into it."""
