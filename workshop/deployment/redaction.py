"""Remove from recorded requests and responses what identifies an account, a person or a moment."""

import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date
from typing import Any

DATE = "<date>"
ID = "<id>"
SECRET = "<secret>"  # noqa: S105 - stands for one

_SECRET_KEY = re.compile(
    r"token|secret|password|credential|receipt.?handle|signature|authorization|cursor|marker",
    re.IGNORECASE,
)
_ID_KEY = re.compile(
    r"(?:access.?key|account|api|deployment|event|extended.?request|host|integration|invocation"
    r"|message|owner|policy|request|revision|role|route|table|upload|user|version).?id.?2?"
    r"|(?:display|user)name",
    re.IGNORECASE,
)
"""Names of members, and of XML elements, that hold an id or somebody's name."""

_EPOCH = (1_500_000_000, 2_500_000_000)
"""Seconds since 1970 from 2017 to 2049: a number between them is taken for a moment."""

_LONG_NUMBER = re.compile(r"\d{12,}")
_B = r"[A-Za-z0-9/+]"
_WORD = r"[^\s@\"'<>(),;:\\/=&]"


def redacted(value: Any) -> Any:
    """Return a recorded value as JSON without ids.

    Removed are account numbers, access keys, tokens, request ids, API ids, e-mail addresses, IP
    addresses, host names, names of users, and moments. JSON within a string is treated alike.

    Args:
        value: What a client sent or received: mappings, lists, texts, numbers, bytes, dates.
    """
    plain: Any
    match value:
        case None | bool():
            plain = value
        case str():
            plain = _text(value)
        case int() | float():
            plain = _number(value)
        case Mapping():
            plain = {_text(str(name)): _member(str(name), each) for name, each in value.items()}
        case list() | tuple():
            plain = [redacted(each) for each in value]
        case date():
            plain = DATE
        case _:
            plain = f"<{type(value).__name__}>"  # bytes, streams
    return plain


def _member(name: str, value: Any) -> Any:
    if value and _SECRET_KEY.search(name):
        return SECRET
    if _ID_KEY.fullmatch(name) and isinstance(value, str | int):
        return ID
    return redacted(value)


def _number(value: float) -> Any:
    if _EPOCH[0] < value < _EPOCH[1]:
        return DATE
    return "<number>" if _LONG_NUMBER.search(repr(value)) else value


def _text(text: str) -> str:
    if text.lstrip()[:1] in {"{", "["}:
        with suppress(ValueError, RecursionError):  # it may only begin like JSON
            text = json.dumps(redacted(json.loads(text)), ensure_ascii=False)
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def _address(found: re.Match[str]) -> str:
    try:
        ipaddress.ip_address(found[0])
    except ValueError:
        return found[0]
    return "<ip>"


def _element(found: re.Match[str]) -> str:
    hidden = _SECRET_KEY.search(found[1]) or _ID_KEY.fullmatch(found[1])
    return f"<{found[1]}>{ID}</{found[1]}>" if hidden else found[0]


def _digits(found: re.Match[str]) -> str:
    return "<account>" if len(found[0]) == 12 else "<number>"


_RULES: list[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]] = [
    (re.compile(r"<([\w-]+)>[^<]+</\1>"), _element),
    (re.compile(rf"{_WORD}{{1,64}}(?:@|%40)(?:{_WORD}|@)+"), "<email>"),
    # IAM User Guide, "IAM identifiers": the prefixes of unique ids.
    (re.compile(r"A(?:KIA|SIA|ROA|IDA|NPA|GPA|IPA|NVA|SCA|PKA|BIA|CCA)[A-Z0-9*]*"), "<key>"),
    (re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F-]*"), "<uuid>"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?"), DATE),
    (re.compile(r"\d{8}T\d{6}Z?|\d{4}/\d\d/\d\d"), DATE),
    (re.compile(r"(?<=:)(user|assumed-role|federated-user)/[^\s\"'<>,]+"), r"\1/<name>"),
    (re.compile(r"(execute-api[:/](?:[\w-]*:[^:/\s]*:)?)[a-z0-9]+"), rf"\1{ID}"),
    (re.compile(r"(/(?:apis|routes|integrations|deployments)/)[a-z0-9]+"), rf"\1{ID}"),
    (re.compile(r"\b(https?|wss?)://[^/\s\"'?#<>\\]+"), r"\1://<host>"),
    # One label before it, as in lambda.amazonaws.com, is a service's name in policies.
    (re.compile(r"[\w-]+(?:\.[\w-]+)+\.(?:amazonaws\.com|on\.aws)"), "<host>"),
    (re.compile(rf"(?={_B}*\d)(?={_B}*[A-Z])(?={_B}*[a-z]){_B}{{40,}}=*"), "<token>"),
    (re.compile(r"(?<![0-9a-fA-F])[0-9a-fA-F]{16,}"), "<hex>"),
    (_LONG_NUMBER, _digits),
    (re.compile(r"\d+(?:\.\d+){3,}"), "<ip>"),
    (re.compile(r"(?<![\w:.])[0-9a-fA-F]*:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*(?![\w:])"), _address),
]  # fmt: skip
