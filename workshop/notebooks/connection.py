"""A notebook's connection to a stack: the resource names that boto3 needs."""

from dataclasses import dataclass

from workshop.deployment.stack import Stack
from workshop.notebooks import stock


@dataclass(frozen=True)
class Connection:
    """A stack that boto3 is configured for, and the customer of the notebook's orders.

    Attributes:
        stack: The stack, as the commands use it.
        customer: The notebook's own customer id; `clean_up` deletes all of this customer's orders.
    """

    stack: Stack
    customer: str

    @property
    def bus(self) -> str:
        """The event bus's name."""
        return self.stack.outputs.event_bus_name

    @property
    def api(self) -> str:
        """The URL of the HTTP API."""
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
        """Queue URLs by consumer and kind: ``undelivered`` and ``failed``."""
        return self.stack.outputs.dead_letter_queue_urls

    def __repr__(self) -> str:
        """Return the stack's stage, functions, tables and queues, one per line."""
        target = self.stack.target
        where = "the local cloud" if target.own else f"account {target.account}, {target.region}"
        lines = {
            "stage": f"{self.stack.stage}, on {where}",
            "API": self.api,
            "bus": self.bus,
            "functions": ", ".join(self.functions),
            "tables": ", ".join(self.tables),
            "queues": ", ".join(self.queues),
            "customer": self.customer,
        }
        if units := stock.demo_stock(self.stack):
            lines["stock"] = ", ".join(f"{sku} {count}" for sku, count in units.items())
        return "\n".join(f"{name:<10} {value}" for name, value in lines.items() if value)
