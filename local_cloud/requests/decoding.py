"""The parameters of a request, as JSON has them, whatever the protocol it was sent in.

Members have the names that they have on the wire. Scalars of a query string, a form, a path or a
header are converted to the type that the model gives them.
"""

import gzip
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from botocore.parsers import RpcV2CBORParser

from local_cloud.requests.violations import SerializationError, wire_name

Query = dict[str, list[str]]

_BODY_TYPES = {"structure", "list", "map"}


@dataclass(frozen=True)
class Request:
    """A request as it arrived.

    Attributes:
        method: such as "POST".
        path: as it was sent, still encoded.
        query: as it was sent, still encoded.
        headers: With names in lower case.
        body: the whole body.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


def inflated(request: Request) -> bytes:
    """Return a request's body; SDKs compress one of PutMetricData that has 10 KB or more.

    Raises:
        SerializationError: the body is not in the encoding that its header names.
    """
    if request.headers.get("content-encoding", "").strip().lower() != "gzip":
        return request.body
    try:
        return gzip.decompress(request.body)
    except (OSError, EOFError, zlib.error):
        raise SerializationError("Unexpected token received from parser") from None


def of_json(body: bytes) -> Any:
    """Return the parameters of a body in JSON.

    Raises:
        SerializationError: the body is no JSON.
    """
    if not body:
        return {}
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise SerializationError("Unexpected token received from parser") from None


def of_cbor(body: bytes) -> Any:
    """Return the parameters of a body in CBOR.

    Raises:
        SerializationError: the body is no CBOR.
    """
    if not body:
        return {}
    parser = RpcV2CBORParser()
    try:
        return parser.parse_data_item(parser.get_peekable_stream_from_bytes(body))
    except Exception:  # noqa: BLE001 - botocore raises whatever its reader meets
        raise SerializationError("Unexpected token received from parser") from None


def of_form(shape: StructureShape, parameters: Query) -> dict[str, Any]:
    """Return the parameters of a form of the query protocol.

    Args:
        shape: the operation's input.
        parameters: such as {"Tags.member.1.Key": ["stage"]}.

    Raises:
        SerializationError: a scalar has another type.
    """
    tree: dict[str, Any] = {}
    for name, values in parameters.items():
        branch = tree
        *above, last = name.split(".")
        for part in above:
            below = branch.setdefault(part, {})
            if not isinstance(below, dict):
                break
            branch = below
        else:
            branch.setdefault(last, values[-1])
    found: dict[str, Any] = _of_tree(shape, tree)
    return found


def _of_tree(shape: Shape, tree: Any) -> Any:
    if isinstance(shape, StructureShape):
        branches = tree if isinstance(tree, dict) else {}
        members = ((wire_name(name, member), member) for name, member in shape.members.items())
        return {
            wire: _of_tree(member, branches[_of_form(wire, member)])
            for wire, member in members
            if _of_form(wire, member) in branches
        }
    if isinstance(shape, ListShape):
        if not isinstance(tree, dict):
            return []  # the protocol's empty list: `Tags=`
        if not shape.serialization.get("flattened"):
            tree = tree.get(shape.member.serialization.get("name", "member"), {})
        return [_of_tree(shape.member, item) for _, item in _numbered(tree)]
    if isinstance(shape, MapShape):
        if not isinstance(tree, dict):
            return {}
        if not shape.serialization.get("flattened"):
            tree = tree.get("entry", {})
        key = shape.key.serialization.get("name", "key")
        value = shape.value.serialization.get("name", "value")
        return {
            str(item.get(key)): _of_tree(shape.value, item.get(value, ""))
            for _, item in _numbered(tree)
            if isinstance(item, dict)
        }
    return scalar(shape, tree) if isinstance(tree, str) else None


def _of_form(wire: str, member: Shape) -> str:
    """Return a member's name in a form: a flattened list has its items' name."""
    if isinstance(member, ListShape) and member.serialization.get("flattened"):
        found: str = member.member.serialization.get("name", wire)
        return found
    return wire


def _numbered(tree: Any) -> list[tuple[int, Any]]:
    if not isinstance(tree, dict):
        return []
    return sorted((int(name), item) for name, item in tree.items() if name.isdecimal())


def of_rest(
    operation: OperationModel, labels: Mapping[str, str], request: Request
) -> dict[str, Any]:
    """Return the parameters of a REST request in JSON.

    Args:
        operation: what is asked for.
        labels: the encoded parts of the path that the operation's URI names.
        request: the request.

    Raises:
        SerializationError: the body is no JSON, or a scalar has another type.
    """
    shape: StructureShape | None = operation.input_shape
    if shape is None:
        return {}
    payload = shape.serialization.get("payload")
    found: dict[str, Any] = {}
    query = parse_qs(request.query, keep_blank_values=True) if request.query else {}
    locations = {member.serialization.get("location") for member in shape.members.values()}
    if payload is None and None in locations:
        found = of_json(request.body)
        if not isinstance(found, dict):
            raise SerializationError("Unexpected field type")
    for name, member in shape.members.items():
        wire, value = wire_name(name, member), None
        if name == payload:
            value = _of_payload(member, request.body)
        elif (location := member.serialization.get("location")) == "uri":
            value = scalar(member, unquote(labels[wire]))
        elif location == "querystring":
            value = _of_query(member, query.get(wire))
        elif location == "header" and wire.lower() in request.headers:
            value = scalar(member, request.headers[wire.lower()])
        if value is not None:
            found[wire] = value
    return found


def _of_payload(shape: Shape, body: bytes) -> Any:
    """Return the member that is the whole body; None if there is no body."""
    if not body:
        return None
    if shape.type_name in _BODY_TYPES:
        return of_json(body)
    return body if shape.type_name == "blob" else body.decode("utf-8", "replace")


def _of_query(shape: Shape, values: list[str] | None) -> Any:
    if values is None:
        return None
    if isinstance(shape, ListShape):
        return [scalar(shape.member, value) for value in values]
    return None if isinstance(shape, MapShape) else scalar(shape, values[-1])


def scalar(shape: Shape, value: str) -> Any:
    """Return a text as the type that the model gives it.

    Raises:
        SerializationError: it cannot be converted.
    """
    if shape.type_name in {"integer", "long", "float", "double"}:
        try:
            return int(value) if shape.type_name in {"integer", "long"} else float(value)
        except ValueError:
            java = shape.type_name.capitalize()
            raise SerializationError(f"STRING_VALUE cannot be converted to {java}") from None
    return value
