"""The grammar: from an expression's text to its nodes, or AWS's syntax error.

    condition  = conjunction { OR conjunction }
    conjunction = negation { AND negation }
    negation   = NOT negation | test
    test       = operand comparator operand | operand BETWEEN operand AND operand
               | operand IN "(" operand { "," operand } ")" | function | "(" condition ")"
    operand    = path | ":" value | function | "(" operand ")"
    function   = name "(" operand { "," operand } ")"
    path       = name { "." name | "[" number "]" }
    update     = clause { clause }
    clause     = SET path "=" sum { "," … } | REMOVE path { "," … }
               | ADD path ":" value { "," … } | DELETE path ":" value { "," … }
    sum        = operand [ ( "+" | "-" ) operand ] | "(" sum ")"
    projection = path { "," path }

Each method of the parser is one of these rules. AWS names the token at which it stops, and the
text around it, so the parser is written for that.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn, TypeVar

from local_cloud.dynamodb_expressions.nodes import (
    COMPARATORS,
    OPERATORS,
    Action,
    Call,
    Condition,
    ExpressionError,
    Logic,
    Operand,
    Path,
    Reference,
    Update,
)

MAX_OPERATORS = 300
"""Operators and functions in an expression: DynamoDB Developer Guide, Quotas."""
MAX_IN_OPERANDS = 100

_CONDITION_WORDS = frozenset({"AND", "OR", "NOT", "BETWEEN", "IN"})
_CLAUSES = frozenset({"SET", "REMOVE", "ADD", "DELETE"})
_END = "<EOF>"
_TOKEN = re.compile(
    r"(?P<name>\#[A-Za-z0-9_]+|[A-Za-z_][A-Za-z0-9_]*)|(?P<value>:[A-Za-z0-9_]+)|(?P<number>[0-9]+)"
    r"|(?P<symbol><>|<=|>=|[=<>(),.\[\]+-])|(?P<other>\S)"
)
_Part = TypeVar("_Part")


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int


def parse_condition(text: str) -> Condition:
    """Return a condition, filter or key condition.

    Raises:
        ExpressionError: AWS's syntax error, or the expression is empty or too long.
    """
    return _Parser(text, _CONDITION_WORDS).whole(_Parser.condition)


def parse_update(text: str) -> Update:
    """Return an update expression; raises as `parse_condition` does."""
    return _Parser(text, _CLAUSES).whole(_Parser.update)


def parse_projection(text: str) -> tuple[Path, ...]:
    """Return the paths of a projection expression; raises as `parse_condition` does."""
    return _Parser(text, frozenset()).whole(lambda parser: parser.several(parser.path))


class _Parser:
    def __init__(self, text: str, words: frozenset[str]) -> None:
        self._text = text
        self._tokens = [
            _Token(
                word if (word := match[0].upper()) in words else str(match.lastgroup),
                match[0],
                *match.span(),
            )
            for match in _TOKEN.finditer(text)
        ]
        self._next = 0
        self._operators = 0
        self._groups: dict[int, int] = {}

    def whole(self, rule: "Callable[[_Parser], _Part]") -> _Part:
        if not self._tokens:
            msg = "The expression can not be empty;"
            raise ExpressionError(msg)
        try:
            parsed = rule(self)
        except RecursionError:
            msg = "The expression is nested too deeply;"
            raise ExpressionError(msg) from None
        if self._next < len(self._tokens):
            self._fail()
        if any(self._groups.get(start + 1) == end - 1 for start, end in self._groups.items()):
            msg = "The expression has redundant parentheses;"
            raise ExpressionError(msg)
        return parsed

    # Conditions

    def condition(self, *, or_operand: bool = False) -> Condition:
        """Return a condition; directly in parentheses it may prove to be an operand."""
        first = self._conjunction(or_operand=or_operand)
        return self._joined("OR", first, self._conjunction)

    def _conjunction(self, *, or_operand: bool = False) -> Condition:
        first = self._negation(or_operand=or_operand)
        return self._joined("AND", first, self._negation)

    def _joined(self, word: str, first: Condition, following: Callable[[], Condition]) -> Condition:
        conditions = [first]
        while self._peek().kind == word:
            self._take_operator()
            conditions.append(following())
        return Logic(word, tuple(conditions)) if len(conditions) > 1 else first

    def _negation(self, *, or_operand: bool = False) -> Condition:
        if self._peek().kind == "NOT":
            self._take_operator()
            return Logic("NOT", (self._negation(),))
        return self._test(or_operand=or_operand)

    def _test(self, *, or_operand: bool) -> Condition:
        left = self._group() if self._peek().text == "(" else self.operand()
        if isinstance(left, Logic) or (isinstance(left, Call) and left.name in OPERATORS):
            return left
        token = self._peek()
        if token.text in COMPARATORS:
            return Call(self._take_operator().text, (left, self.operand()))
        if token.kind in {"BETWEEN", "IN"}:
            self._take_operator()
            return self._between(left) if token.kind == "BETWEEN" else self._in(left)
        if not isinstance(left, Call) and not (or_operand and token.text == ")"):
            self._fail()
        return left  # type: ignore[return-value] # its parentheses make it an operand

    def _between(self, left: Operand) -> Call:
        low = self.operand()
        self._expect("AND")
        return Call("BETWEEN", (left, low, self.operand()))

    def _in(self, left: Operand) -> Call:
        self._expect("(")
        options = self.several(self.operand)
        self._expect(")")
        if len(options) > MAX_IN_OPERANDS:
            msg = (
                "The IN operator is provided with too many operands; "
                f"number of operands: {len(options)}"
            )
            raise ExpressionError(msg)
        return Call("IN", (left, *options))

    def _group(self) -> Condition | Operand:
        start = self._next
        self._expect("(")
        inner: Condition | Operand = self.condition(or_operand=True)
        self._groups[start] = self._next
        self._expect(")")
        return self._path_from(inner) if isinstance(inner, Path) else inner

    # Operands

    def operand(self) -> Operand:
        token = self._peek()
        if token.kind == "value":
            return Reference(self._take().text)
        if token.text == "(":
            start = self._next
            self._take()
            inner = self.operand()
            self._groups[start] = self._next
            self._expect(")")
            return self._path_from(inner) if isinstance(inner, Path) else inner
        if token.kind == "name" and self._peek(1).text == "(":
            name = self._take_operator().text
            self._take()
            operands = self.several(self.operand)
            self._expect(")")
            return Call(name, operands)
        return self.path()

    def path(self) -> Path:
        return self._path_from(Path((self._take_kind("name").text,)))

    def _path_from(self, head: Path) -> Path:
        parts = list(head.parts)
        while (symbol := self._peek().text) in {".", "["}:
            self._take()
            if symbol == ".":
                parts.append(self._take_kind("name").text)
            else:
                parts.append(int(self._take_kind("number").text))
                self._expect("]")
        return Path(tuple(parts))

    def several(self, rule: Callable[[], _Part]) -> tuple[_Part, ...]:
        found = [rule()]
        while self._peek().text == ",":
            self._take()
            found.append(rule())
        return tuple(found)

    # Updates

    def update(self) -> Update:
        clauses: list[str] = []
        actions: list[Action] = []
        while not clauses or self._peek().kind in _CLAUSES:
            if self._peek().kind not in _CLAUSES:
                self._fail()
            clause = self._take().kind
            clauses.append(clause)
            actions += self.several(lambda clause=clause: self._action(clause))  # type: ignore[misc]
        return Update(tuple(clauses), tuple(actions))

    def _action(self, clause: str) -> Action:
        path = self.path()
        if clause == "REMOVE":
            return Action(clause, path)
        if clause == "SET":
            self._expect("=")
            return Action(clause, path, self._sum())
        return Action(clause, path, Reference(self._take_kind("value").text))

    def _sum(self) -> Operand:
        if self._peek().text == "(":
            start = self._next
            self._take()
            left = self._sum()
            self._groups[start] = self._next
            self._expect(")")
            if isinstance(left, Call) and left.name in "+-":
                return left
        else:
            left = self.operand()
        if self._peek().text in {"+", "-"}:
            return Call(self._take_operator().text, (left, self.operand()))
        return left

    # Tokens

    def _peek(self, offset: int = 0) -> _Token:
        position = self._next + offset
        if position < len(self._tokens):
            return self._tokens[position]
        return _Token(_END, _END, len(self._text), len(self._text))

    def _take(self) -> _Token:
        token = self._peek()
        self._next += 1
        return token

    def _take_operator(self) -> _Token:
        self._operators += 1
        if self._operators > MAX_OPERATORS:
            msg = f"The expression contains too many operators; operator count: {self._operators}"
            raise ExpressionError(msg)
        return self._take()

    def _take_kind(self, kind: str) -> _Token:
        if self._peek().kind != kind:
            self._fail()
        return self._take()

    def _expect(self, text: str) -> None:
        if text not in {self._peek().text, self._peek().kind}:
            self._fail()
        self._take()

    def _fail(self) -> NoReturn:
        """Raise AWS's syntax error, with the tokens before and after the one it stops at."""
        around = self._tokens[max(self._next - 1, 0) : self._next + 2] or self._tokens[-1:]
        near = self._text[around[0].start : around[-1].end]
        msg = f'Syntax error; token: "{self._peek().text}", near: "{near}"'
        raise ExpressionError(msg)
