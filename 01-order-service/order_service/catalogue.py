"""What is for sale and at what price. Prices never come from a request."""

import json
from pathlib import Path

Catalogue = dict[str, dict[str, int]]
"""SKU → currency → unit price in minor units."""


def load_catalogue() -> Catalogue:
    """Return the service's own catalogue, `catalogue.json`."""
    products = json.loads(Path(__file__).with_name("catalogue.json").read_text("utf-8"))
    return {sku: product["prices"] for sku, product in products.items()}
