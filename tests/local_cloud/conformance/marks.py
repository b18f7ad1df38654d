"""Marks of the conformance tests: what AWS does, how we know, and where the local cloud differs.

`docs/local-cloud.md` is generated from these marks.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

LOCALSTACK = "LocalStack 8b9a79f0 (recorded on AWS)"
"""LocalStack's `*.snapshot.json` files hold responses that were recorded on AWS."""


@dataclass(frozen=True)
class Behaviour:
    """Something that AWS does and the local cloud does, too.

    Attributes:
        area: The AWS service, such as "EventBridge".
        text: One sentence: what AWS does.
        source: Where AWS's behaviour is recorded or documented.
        recorded: Whether the source is a recorded response; otherwise it is documentation.
        ministack: What MiniStack without our patches does instead; empty if it does the same.
    """

    area: str
    text: str
    source: str
    recorded: bool
    ministack: str


@dataclass(frozen=True)
class Difference:
    """Something that the local cloud does otherwise than AWS.

    Attributes:
        area: The AWS service.
        aws: One sentence: what AWS does.
        here: One sentence: what the local cloud does.
        why: The reason for the difference.
    """

    area: str
    aws: str
    here: str
    why: str


def recorded(area: str, text: str, source: str, *, ministack: str = "") -> Callable[[Any], Any]:
    """Mark a test that holds the local cloud against a response recorded on AWS.

    Args:
        area: See `Behaviour`.
        text: See `Behaviour`.
        source: See `Behaviour`.
        ministack: See `Behaviour`. If it is given, the test also runs on MiniStack without our
            patches, where it must fail: otherwise the patch is no longer needed.
    """
    return pytest.mark.behaviour(Behaviour(area, text, source, recorded=True, ministack=ministack))


def documented(area: str, text: str, source: str, *, ministack: str = "") -> Callable[[Any], Any]:
    """Mark a test that holds the local cloud against AWS's documentation; see `recorded`."""
    return pytest.mark.behaviour(Behaviour(area, text, source, recorded=False, ministack=ministack))


def differs(area: str, *, aws: str, here: str, why: str) -> Callable[[Any], Any]:
    """Mark a test of something that the local cloud does otherwise than AWS; see `Difference`."""
    return pytest.mark.difference(Difference(area, aws, here, why))
