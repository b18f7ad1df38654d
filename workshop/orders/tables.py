"""The stack's tables by their key."""

from workshop.deployment.stack import Stack
from workshop.errors import WorkshopError

STAGE_OF = {"orders": 1, "payments": 2, "inventory": 3, "shipments": 4}
"""Table key → the stage that makes it."""


def table_name(stack: Stack, key: str) -> str:
    """Return a table's name.

    Raises:
        WorkshopError: The stack has not got that far; the message names the command.
    """
    if key not in stack.outputs.table_names:
        stage = STAGE_OF[key]
        raise WorkshopError(
            f"The {key} table comes with stage {stage}, and this is stage {stack.stage}. "
            f"Go on with: make up STAGE={stage}"
        )
    return stack.outputs.table_names[key]
