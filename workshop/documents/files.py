"""Files that are generated whole."""

from collections.abc import Callable
from pathlib import Path

from workshop.documents import asyncapi
from workshop.paths import ROOT
from workshop.scaling import files as scaling

FILES: dict[Path, Callable[[], bytes]] = {
    ROOT / "docs/asyncapi.yaml": asyncapi.document,
    scaling.CEILINGS: scaling.ceilings_picture,
    scaling.HOT_SKU: scaling.hot_sku_picture,
}
"""Path → what belongs into it."""
