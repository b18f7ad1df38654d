"""The model's files: the work of an order, and AWS's prices."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Price:
    """AWS's price: `dollars` for `per` of `unit`."""

    dollars: float
    per: float
    unit: str

    @property
    def each(self) -> float:
        """Dollars for one unit."""
        return self.dollars / self.per


@cache
def prices() -> Mapping[str, Price]:
    """Return all prices by name."""
    return {
        name: Price(one["value"], one["per"], one["unit"])
        for name, one in read("prices").items()
        if isinstance(one, dict)
    }


@cache
def read(name: str) -> dict[str, Any]:
    """Return one of the TOML files in this folder, such as `order`."""
    return tomllib.loads((HERE / f"{name}.toml").read_text("utf-8"))
