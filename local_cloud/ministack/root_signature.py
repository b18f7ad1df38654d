"""Verify the signature of the account's own key, as of every other key.

AWS verifies all signatures. MiniStack 1.5.33 verifies those of IAM users and of roles' sessions. It
knows the secret of the account's own key, but accepts any signature with this key.
"""

# ruff: noqa: SLF001 - MiniStack offers no other way in

import contextvars
from typing import Any

from ministack import app
from ministack.core import iam_evaluator

from local_cloud.ministack.replacing import replace

_pinning: contextvars.ContextVar[bool] = contextvars.ContextVar("pinning", default=False)


def install() -> None:
    """Verify the account's own key, too. Once per process, before the first request."""
    pin, is_root = iam_evaluator.pin_signed_request, iam_evaluator._is_root_key

    def pin_all(method: str, raw_path: str, query_params: Any, headers: Any, **rest: Any) -> None:
        token = _pinning.set(True)
        try:
            pin(method, raw_path, query_params, headers, **rest)
        finally:
            _pinning.reset(token)

    def is_excepted(access_key_id: str) -> bool:
        """Except only requests without a key from the check."""
        return not access_key_id if _pinning.get() else bool(is_root(access_key_id))

    replace(iam_evaluator, "pin_signed_request", lambda _: pin_all)
    replace(app, "pin_signed_request", lambda _: pin_all)
    replace(iam_evaluator, "_is_root_key", lambda _: is_excepted)
