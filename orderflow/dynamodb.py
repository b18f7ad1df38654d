"""DynamoDB's wire format, and the one error the steps are built on."""

from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

Item = dict[str, Any]

_serializer = TypeSerializer()
_deserializer = TypeDeserializer()


def to_wire(item: Item) -> dict[str, Any]:
    """Return a plain dictionary as DynamoDB's typed attributes; `None` values are left out."""
    return {name: _serializer.serialize(value) for name, value in item.items() if value is not None}


def from_wire(attributes: dict[str, Any]) -> Item:
    """Return DynamoDB's typed attributes as plain values, whole numbers as `int`."""
    item: Item = _plain({name: _deserializer.deserialize(v) for name, v in attributes.items()})
    return item


def item_that_won(error: ClientError) -> Item | None:
    """Return the stored item that made a conditional write fail, or None for any other error."""
    if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
        return None
    return from_wire(dict(error.response).get("Item", {}))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if hasattr(value, "as_integer_ratio") and not isinstance(value, int | float):
        return int(value)
    return value
