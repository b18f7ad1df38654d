"""Files that are generated whole."""

from collections.abc import Callable
from pathlib import Path

from devtools.scaling import files as scaling

FILES: dict[Path, Callable[[], bytes]] = {
    scaling.CEILINGS: scaling.ceilings_picture,
    scaling.HOT_SKU: scaling.hot_sku_picture,
}
"""Path → what belongs into it."""
