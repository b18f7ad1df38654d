"""AWS's prices and quotas, each with where it is from."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Source:
    """Where a figure is from.

    Attributes:
        page: AWS's page about it, or the file of ours that sets it.
        confirmed: It was read there.
        read_at: Where it was read otherwise; empty when nowhere.
    """

    page: str
    confirmed: bool
    read_at: str


@dataclass(frozen=True, slots=True)
class Price:
    """What AWS asks: `dollars` for `per` of `unit`."""

    what: str
    dollars: float
    per: float
    unit: str
    source: Source

    @property
    def each(self) -> float:
        """Dollars for one unit."""
        return self.dollars / self.per


@dataclass(frozen=True, slots=True)
class Quota:
    """How much there may be: `value` in `unit`."""

    what: str
    value: float
    unit: str
    source: Source


@dataclass(frozen=True, slots=True)
class LookedUp:
    """In which region the figures hold, and when they were looked up."""

    region: str
    on: date


@cache
def looked_up() -> LookedUp:
    """Return the region and the day of both files, the earlier of two days."""
    files = [read("prices"), read("quotas")]
    (region,) = {file["region"] for file in files}
    return LookedUp(region, min(file["checked"] for file in files))


@cache
def prices() -> Mapping[str, Price]:
    """Return all prices by name."""
    return {
        name: Price(one["what"], one["value"], one["per"], one["unit"], _source(one))
        for name, one in _tables("prices").items()
    }


@cache
def quotas() -> Mapping[str, Quota]:
    """Return all quotas by name."""
    return {
        name: Quota(one["what"], one["value"], one["unit"], _source(one))
        for name, one in _tables("quotas").items()
    }


@cache
def read(name: str) -> dict[str, Any]:
    """Return one of the files beside this one."""
    return tomllib.loads((HERE / f"{name}.toml").read_text("utf-8"))


def _tables(name: str) -> dict[str, dict[str, Any]]:
    return {key: value for key, value in read(name).items() if isinstance(value, dict)}


def _source(one: dict[str, Any]) -> Source:
    return Source(one["source"], one["confirmed"], one.get("read_at", ""))
