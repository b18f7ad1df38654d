"""The baseline: functions that make the same AWS calls as ours and do nothing else.

Each prints one line, the least that lets somebody see in its log what it did.
"""

import json
import os
from typing import Any

import boto3

dynamodb = boto3.client("dynamodb")
events = boto3.client("events")
BUS = os.environ["EVENT_BUS_NAME"]
PREFIX = os.environ["PREFIX"]


def _publish(detail_type: str, detail: dict[str, Any]) -> None:
    events.put_events(
        Entries=[
            {
                "Source": PREFIX,
                "DetailType": detail_type,
                "Detail": json.dumps(detail),
                "EventBusName": BUS,
            }
        ]
    )


def _put(table: str, key: str, detail: dict[str, Any]) -> None:
    dynamodb.put_item(
        TableName=f"{PREFIX}-{table}",
        Item={key: {"S": detail["id"]}, "outcome": {"S": json.dumps(detail)}},
        ConditionExpression=f"attribute_not_exists({key})",
    )


def _set_status(table: str, detail: dict[str, Any], status: str) -> None:
    dynamodb.update_item(
        TableName=f"{PREFIX}-{table}",
        Key={"order_id": {"S": detail["id"]}},
        UpdateExpression="SET #status = :status, outcome = :outcome",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={
            ":status": {"S": status},
            ":outcome": {"S": json.dumps(detail)},
        },
    )


def api(request: dict[str, Any], _context: Any) -> None:
    """Put the order once and publish its event."""
    _put("orders", "order_id", request)
    _publish("OrderCreated", request)
    print("done")  # noqa: T201


def track(event: dict[str, Any], _context: Any) -> None:
    """Note the latest event."""
    _set_status("orders", event["detail"], event["detail-type"])
    print("done")  # noqa: T201


def charge(event: dict[str, Any], _context: Any) -> None:
    """Write the intent, write the outcome, publish it."""
    _set_status("payments", event["detail"], "PENDING")
    _set_status("payments", event["detail"], "SUCCEEDED")
    _publish("PaymentProcessed", event["detail"])
    print("done")  # noqa: T201


def reserve(event: dict[str, Any], _context: Any) -> None:
    """Write the record and the stock in one transaction, publish the event."""
    detail = event["detail"]
    table = f"{PREFIX}-inventory"
    record = {"sku": {"S": detail["id"]}, "outcome": {"S": json.dumps(detail)}}
    dynamodb.transact_write_items(
        TransactItems=[
            {
                "Put": {
                    "TableName": table,
                    "Item": record,
                    "ConditionExpression": "attribute_not_exists(sku)",
                }
            },
            {
                "Update": {
                    "TableName": table,
                    "Key": {"sku": {"S": "STOCK"}},
                    "UpdateExpression": "SET on_hand = on_hand - :one",
                    "ConditionExpression": "on_hand >= :one",
                    "ExpressionAttributeValues": {":one": {"N": "1"}},
                }
            },
        ]
    )
    _publish("InventoryUpdated", detail)
    print("done")  # noqa: T201


def prepare(event: dict[str, Any], _context: Any) -> None:
    """Put the shipment once and publish its event."""
    _put("shipments", "order_id", event["detail"])
    _publish("ShipmentPrepared", event["detail"])
    print("done")  # noqa: T201
