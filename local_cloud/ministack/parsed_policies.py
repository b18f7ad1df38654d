"""Parse the text of a policy once.

MiniStack 1.5.33 parses all policies of a role twice for each request. Nothing changes the
statements, so requests can share them.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from ministack.core import iam_evaluator

from local_cloud.ministack.replacing import replace

POLICIES = 1024
"""The number of texts: a stack has about fifty."""


def install() -> None:
    """Keep the statements of the latest policies."""
    replace(iam_evaluator, "parse_policy_document", _kept)


def _kept(parse: Callable[[Any], list[Any]]) -> Callable[[Any], list[Any]]:
    by_text = lru_cache(maxsize=POLICIES)(parse)

    def parsed(document: Any) -> list[Any]:
        return list(by_text(document)) if isinstance(document, str) else parse(document)

    return parsed
