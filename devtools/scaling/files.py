"""The pictures as files."""

from workshop.paths import ROOT

CEILINGS = ROOT / "docs" / "scaling-ceilings.svg"
HOT_SKU = ROOT / "docs" / "scaling-hot-sku.svg"


def ceilings_picture() -> bytes:
    """Return what belongs into `docs/scaling-ceilings.svg`."""
    from devtools.scaling import plots  # noqa: PLC0415 - matplotlib is in the development's only

    return plots.first()


def hot_sku_picture() -> bytes:
    """Return what belongs into `docs/scaling-hot-sku.svg`."""
    from devtools.scaling import plots  # noqa: PLC0415

    return plots.hot_sku()
