"""What a function is told by its environment."""

from collections.abc import Mapping
from dataclasses import dataclass

from orderflow.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Settings:
    """The function's table, its bus, and whether the simulated payment gateway answers."""

    table_name: str
    event_bus_name: str
    gateway_available: bool = True

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the settings.

        Raises:
            SettingsError: Variables are missing; the message names all of them.
        """
        missing = [name for name in ("TABLE_NAME", "EVENT_BUS_NAME") if not environment.get(name)]
        if missing:
            raise SettingsError(f"not in the function's environment: {', '.join(missing)}")
        return cls(
            table_name=environment["TABLE_NAME"],
            event_bus_name=environment["EVENT_BUS_NAME"],
            gateway_available=environment.get("GATEWAY_AVAILABLE", "true").lower() == "true",
        )
