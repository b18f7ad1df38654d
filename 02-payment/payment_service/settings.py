"""The settings of the payment functions, from their environment."""

from dataclasses import dataclass

from orderflow.settings import Settings


@dataclass(frozen=True, slots=True)
class PaymentSettings(Settings):
    """Table and bus, and whether the simulated gateway answers: `true` or `false`."""

    gateway_available: str = "true"

    @property
    def gateway_answers(self) -> bool:
        """Whether the gateway answers: the outage that no retry outlasts."""
        return self.gateway_available.lower() != "false"
