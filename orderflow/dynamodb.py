"""DynamoDB's wire format, and the conditional write that every step is built on."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from orderflow import aws

Item = dict[str, Any]

_serializer = TypeSerializer()
_deserializer = TypeDeserializer()


@dataclass(frozen=True, slots=True)
class Existing:
    """The condition failed: the existing item, which did not change."""

    item: Item


def write(operation: Callable[..., Any], **parameters: Any) -> Item | Existing:
    """Make a conditional write; return the attributes of the response, or the existing item.

    DynamoDB returns the item that made the condition fail, at no charge: no second read, and no
    moment in between at which it might change.

    Raises:
        AwsRequestError: The write failed for any reason but its condition.
    """

    def conditional(**all_parameters: Any) -> Any:
        try:
            return operation(**all_parameters)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return Existing(from_wire(dict(error.response).get("Item", {})))

    answer = aws.call(conditional, **parameters, ReturnValuesOnConditionCheckFailure="ALL_OLD")
    return answer if isinstance(answer, Existing) else from_wire(answer.get("Attributes", {}))


def to_wire(item: Item) -> dict[str, Any]:
    """Return a plain dictionary as DynamoDB's typed attributes; `None` values are left out."""
    return {name: _serializer.serialize(value) for name, value in item.items() if value is not None}


def from_wire(attributes: dict[str, Any]) -> Item:
    """Return DynamoDB's typed attributes as plain values, whole numbers as `int`."""
    item: Item = _plain({name: _deserializer.deserialize(v) for name, v in attributes.items()})
    return item


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    return value
