"""Replace a function of MiniStack for all its callers."""

from collections.abc import Callable
from types import ModuleType
from typing import Any


def replace(module: ModuleType, name: str, wrap: Callable[[Callable[..., Any]], Any]) -> None:
    """Replace a function in its module, and in the module's dispatch tables.

    Args:
        module: The module that defines and calls the function.
        name: The function's name.
        wrap: Returns the new function; its argument is the old one.
    """
    old = getattr(module, name)
    new = wrap(old)
    setattr(module, name, new)
    for table in vars(module).values():
        if isinstance(table, dict):
            for key in [key for key, value in table.items() if value is old]:
                table[key] = new
