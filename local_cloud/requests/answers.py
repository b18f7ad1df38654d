"""The response to a request that a service refuses to read, in the service's protocol.

Sources: LocalStack 8b9a79f0 (recorded on AWS), `*.snapshot.json`: ValidationException of events,
lambda, dynamodb; InvalidParameterException of logs; ValidationError of iam, sts, sns, cloudwatch;
MissingParameter of sqs.
"""

import json
import uuid
from dataclasses import dataclass
from xml.sax.saxutils import escape

from botocore.model import DenormalizedStructureBuilder, OperationModel, ServiceModel
from botocore.serialize import CBORSerializer

from local_cloud.requests.operations import CBOR, QUERY, REST, Call
from local_cloud.requests.violations import NOT_NULL, Violation, summary

_QUERY_SERVICES = {"cloudwatch", "iam", "sns", "sts"}
"""Services that spoke the query protocol first: their error codes are those of then."""

_MISSING = {
    "sqs": "The request must contain the parameter {}.",
    "cloudwatch": "The parameter {} is required.",
}
"""How a service reports a missing parameter (MissingParameter), if not as a constraint."""


@dataclass(frozen=True)
class Answer:
    """A response with an error: its status is 400."""

    headers: dict[str, str]
    body: bytes


def refusal(call: Call, violations: list[Violation]) -> Answer:
    """Return the response to a request that does not satisfy the service's model."""
    service, first = call.service.service_name, violations[0]
    if first.constraint == NOT_NULL and service in _MISSING:
        # Query services name the parameter as it is sent.
        name = ".".join(part[:1].upper() + part[1:] for part in first.name.split("."))
        return _render(call, "MissingParameter", _MISSING[service].format(name), "validate")
    return _render(call, _code(call.service, call.operation), summary(violations), "validate")


def unreadable(service: ServiceModel, protocol: str, message: str) -> Answer:
    """Return the response to a request with a value of another type, or no parameters at all."""
    code = "MalformedInput" if protocol == QUERY else "SerializationException"
    return _answer(service, protocol, code, message, "service")


def _code(service: ServiceModel, operation: OperationModel) -> str:
    name = service.service_name
    if name in _QUERY_SERVICES:
        return "ValidationError"
    if name == "apigatewayv2":
        return "BadRequestException"
    declared = {shape.name for shape in operation.error_shapes}
    if name == "logs" and "InvalidParameterException" in declared - {"ValidationException"}:
        return "InvalidParameterException"
    return "ValidationException"


def _render(call: Call, code: str, message: str, package: str) -> Answer:
    return _answer(call.service, call.protocol, code, message, package)


def _answer(service: ServiceModel, protocol: str, code: str, message: str, package: str) -> Answer:
    request_id = str(uuid.uuid4())
    headers = {"x-amzn-requestid": request_id}
    if protocol == QUERY:
        namespace = service.metadata.get("xmlNamespace", "")
        body = (
            f'<ErrorResponse xmlns="{escape(namespace)}"><Error><Type>Sender</Type>'
            f"<Code>{code}</Code><Message>{escape(message)}</Message></Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        return Answer({**headers, "content-type": "text/xml"}, body.encode())
    if "awsQueryCompatible" in service.metadata:
        headers["x-amzn-query-error"] = f"{code};Sender"
    if protocol == REST:
        headers |= {"content-type": "application/json", "x-amzn-errortype": code}
        return Answer(headers, json.dumps({"message": message}).encode())
    key = "message" if package == "validate" else "Message"
    content = {"__type": f"com.amazon.coral.{package}#{code}", key: message}
    if protocol == CBOR:
        headers |= {"content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
        return Answer(headers, _cbor(content))
    version = service.metadata.get("jsonVersion", "1.0")
    headers["content-type"] = f"application/x-amz-json-{version}"
    return Answer(headers, json.dumps(content).encode())


def _cbor(content: dict[str, str]) -> bytes:
    """Return a map of texts in CBOR."""
    members = {name: {"type": "string"} for name in content}
    shape = DenormalizedStructureBuilder().with_members(members).build_model()
    found = bytearray()
    CBORSerializer()._serialize_data_item(found, content, shape)  # noqa: SLF001 - it has no other
    return bytes(found)
