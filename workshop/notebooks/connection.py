"""A stack as a notebook sees it: names for boto3."""

from dataclasses import dataclass

from workshop.deployment.stack import Stack
from workshop.notebooks import stock


@dataclass(frozen=True)
class Connection:
    """A stack that boto3 reaches without further ado, and the customer whose orders are placed.

    Attributes:
        stack: The stack, as the command line knows it.
        customer: The id of the notebook's own customer: clean-up removes all that is theirs.
    """

    stack: Stack
    customer: str

    @property
    def bus(self) -> str:
        """The event bus's name."""
        return self.stack.outputs.event_bus_name

    @property
    def api(self) -> str:
        """The address of the HTTP API."""
        return self.stack.outputs.api_endpoint

    @property
    def region(self) -> str:
        """The region that requests are signed for."""
        return self.stack.outputs.region

    @property
    def functions(self) -> dict[str, str]:
        """Function names by key, such as ``payment``."""
        return self.stack.outputs.function_names

    @property
    def tables(self) -> dict[str, str]:
        """Table names by key, such as ``orders``."""
        return self.stack.outputs.table_names

    @property
    def queues(self) -> dict[str, dict[str, str]]:
        """By consumer, the addresses of its queues ``undelivered`` and ``failed``."""
        return self.stack.outputs.dead_letter_queue_urls

    def __repr__(self) -> str:
        """What there is, for people to read."""
        target = self.stack.target
        where = "the local cloud" if target.own else f"account {target.account}, {target.region}"
        told = {
            "stage": f"{self.stack.stage}, on {where}",
            "API": self.api,
            "bus": self.bus,
            "functions": ", ".join(self.functions),
            "tables": ", ".join(self.tables),
            "queues": ", ".join(self.queues),
            "customer": self.customer,
        }
        if goods := stock.promised(self.stack):
            told["shelf"] = ", ".join(f"{sku} {pieces}" for sku, pieces in goods.items())
        return "\n".join(f"{name:<10} {value}" for name, value in told.items() if value)
