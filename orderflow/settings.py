"""The settings of a function, from its environment, as one typed object."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Self

from orderflow.errors import SettingsError


@dataclass(frozen=True, slots=True)
class TableSettings:
    """The function's table. A field's name in capitals is its environment variable."""

    table_name: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings; a field with a default may be missing.

        Raises:
            SettingsError: Variables are missing; the message names all of them.
        """
        found = {
            field.name: environment[field.name.upper()]
            for field in fields(cls)
            if environment.get(field.name.upper())
        }
        required = [field.name for field in fields(cls) if field.default is MISSING]
        missing = [name.upper() for name in required if name not in found]
        if missing:
            raise SettingsError(f"not in the function's environment: {', '.join(missing)}")
        return cls(**found)


@dataclass(frozen=True, slots=True)
class Settings(TableSettings):
    """The table, and the bus to publish to."""

    event_bus_name: str
