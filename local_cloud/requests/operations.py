"""Which operation of which service a request asks for."""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel

from local_cloud.requests import decoding
from local_cloud.requests.constraints import Checks
from local_cloud.requests.decoding import Request

SERVICES = {
    "apigateway": "apigatewayv2",
    "dynamodb": "dynamodb",
    "events": "events",
    "iam": "iam",
    "lambda": "lambda",
    "logs": "logs",
    "monitoring": "cloudwatch",
    "scheduler": "scheduler",
    "sns": "sns",
    "sqs": "sqs",
    "sts": "sts",
}
"""botocore's name of each service that is checked, by the name that requests are signed for.

S3 is missing: its model has no patterns and no lengths, so it says little about its requests.
"""

JSON, CBOR, QUERY, REST = "json", "cbor", "query", "rest"

_SCOPE = re.compile(r"Credential=[^/,\s]+/\d+/[^/]+/([\w-]+)/aws4_request")
_LABEL = re.compile(r"\{(\w+)(\+?)\}")


@dataclass(frozen=True)
class Call:
    """A request that was recognised.

    Attributes:
        service: the model of the service.
        operation: the model of the operation.
        protocol: how the request was sent, and how it is answered.
        parameters: the decoded parameters.
    """

    service: ServiceModel
    operation: OperationModel
    protocol: str
    parameters: Any


class Service:
    """One service's model, prepared for requests."""

    def __init__(self, name: str) -> None:
        """Load botocore's model: this takes some hundredths of a second."""
        self.model = ServiceModel(Loader().load_service_model(name, "service-2"), name)
        self.checks = Checks(name)
        self._names = frozenset(self.model.operation_names)
        self._routes: list[tuple[str, re.Pattern[str], OperationModel]] | None = None

    def operation(self, name: str) -> OperationModel | None:
        """Return an operation by its name; None if there is none."""
        return self.model.operation_model(name) if name in self._names else None

    def route(self, method: str, path: str) -> tuple[OperationModel, Mapping[str, str]] | None:
        """Return the operation that a REST path asks for, and the path's labels."""
        if self._routes is None:
            operations = [self.model.operation_model(name) for name in self._names]
            # What has more fixed parts comes first: `/functions/{name}` is a part of nothing else.
            operations.sort(key=lambda one: -len(_LABEL.sub("", one.http["requestUri"])))
            self._routes = [
                (one.http["method"], _expression(one.http["requestUri"]), one) for one in operations
            ]
        for its_method, expression, operation in self._routes:
            if its_method == method and (found := expression.fullmatch(path)):
                return operation, found.groupdict()
        return None


def _expression(uri: str) -> re.Pattern[str]:
    """Return what matches the encoded path of a URI such as `/v2/apis/{apiId}`."""
    parts, end = [], 0
    path = uri.partition("?")[0]
    for label in _LABEL.finditer(path):
        parts.append(re.escape(path[end : label.start()]))
        parts.append(f"(?P<{label[1]}>{'.+' if label[2] else '[^/]+'})")
        end = label.end()
    rest = re.escape(path[end:].rstrip("/"))
    return re.compile("".join(parts) + rest + "/?")


service = functools.cache(Service)
"""Return the service of botocore's name."""


def service_of(request: Request) -> Service | None:
    """Return the service that a request is signed for; None for one that is not checked."""
    signed = _SCOPE.search(request.headers.get("authorization", ""))
    name = SERVICES.get(signed[1]) if signed else None
    return service(name) if name else None


def call_of(found: Service, request: Request) -> Call | None:
    """Return what a request asks a service for; None if that is unknown.

    Raises:
        SerializationError: the parameters cannot be read.
    """
    model, headers = found.model, request.headers
    body = decoding.inflated(request)
    if headers.get("smithy-protocol") == "rpc-v2-cbor":
        operation = found.operation(request.path.rpartition("/")[2])
        return operation and Call(model, operation, CBOR, decoding.of_cbor(body))
    if target := headers.get("x-amz-target"):
        prefix, _, name = target.rpartition(".")
        operation = found.operation(name) if prefix == model.metadata.get("targetPrefix") else None
        return operation and Call(model, operation, JSON, decoding.of_json(body))
    if model.metadata["protocol"].startswith("rest-"):
        route = found.route(request.method, request.path)
        if route is None:
            return None
        operation, labels = route
        return Call(model, operation, REST, decoding.of_rest(operation, labels, request))
    if QUERY not in model.metadata["protocols"]:
        return None  # older SDKs send SQS forms, whose names its model does not have
    form = request.query if request.method == "GET" else body.decode("utf-8", "replace")
    return _of_form(found, parse_qs(form, keep_blank_values=True))


def _of_form(found: Service, fields: decoding.Query) -> Call | None:
    operation = found.operation(fields.get("Action", [""])[-1])
    if operation is None:
        return None
    shape = operation.input_shape
    return Call(found.model, operation, QUERY, decoding.of_form(shape, fields) if shape else {})
