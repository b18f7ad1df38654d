"""What a validator raises: the violations of a schema."""

from typing import Any


class Violation(Exception):  # noqa: N818 - a fact about a value, not an error of the code
    """One way in which a value breaks a schema."""

    def __init__(
        self,
        message: str,
        value: Any = None,
        name: str = "",
        definition: Any = None,
        rule: str = "",
    ) -> None:
        """Take what a generated validator passes.

        Args:
            message: The field and the rule in words.
            value: The value that breaks the rule.
            name: Its path, for example `data.order.lines[0]`.
            definition: The part of the schema that holds for it.
            rule: The keyword of the schema, for example `pattern`.
        """
        super().__init__(message)
        self.message = message
        self.value = value
        self.name = name
        self.definition = definition
        self.rule = rule


class Violations(Exception):  # noqa: N818
    """All ways in which a value breaks a schema."""

    def __init__(self, errors: list[Violation]) -> None:
        """Take the violations that a generated validator found."""
        super().__init__()
        self.errors = errors
