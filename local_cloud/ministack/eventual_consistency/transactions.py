"""Transactions of DynamoDB that meet another one on the same item."""

import itertools
import json
from collections.abc import Callable
from typing import Any

from ministack.services import dynamodb

from local_cloud.eventual_consistency import CONFLICT_EVERY, Switch
from local_cloud.ministack.replacing import replace


def install(switch: Switch) -> None:
    """Cancel a few transactions with TransactionConflict, while the switch is on."""
    numbers = itertools.count(1)

    def conflicting(write: Callable[..., Any]) -> Callable[..., Any]:
        def written(data: dict[str, Any]) -> Any:
            if switch.on and next(numbers) % CONFLICT_EVERY == 0:
                return _conflict(len(data.get("TransactItems", [])))
            return write(data)

        return written

    replace(dynamodb, "_transact_write_items", conflicting)


def _conflict(items: int) -> tuple[int, dict[str, str], bytes]:
    """Return AWS's response when the last of some items is part of another transaction.

    Orders meet on a stock item, never on the record of their own reservation, which is the first.
    """
    last = {"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}
    reasons = [*({"Code": "None"} for _ in range(items - 1)), last]
    codes = ", ".join(each["Code"] for each in reasons)
    name = "TransactionCanceledException"
    message = "Transaction cancelled, please refer cancellation reasons for specific reasons"
    content = {"__type": name, "message": f"{message} [{codes}]", "CancellationReasons": reasons}
    headers = {"Content-Type": "application/x-amz-json-1.0", "x-amzn-errortype": name}
    return 400, headers, json.dumps(content).encode()
