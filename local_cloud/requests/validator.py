"""Requests held against the models: what AWS answers to one that it refuses to read."""

from local_cloud.requests import answers, operations
from local_cloud.requests.answers import Answer
from local_cloud.requests.decoding import Request
from local_cloud.requests.violations import SerializationError, Violation


def refusal(request: Request) -> Answer | None:
    """Return AWS's response to a request that does not fit its service's model; None if it fits.

    Whatever is not recognised (another service, an unknown operation, no signature) fits.
    """
    service = operations.service_of(request)
    if service is None:
        return None
    call, protocol = None, _protocol(request)
    try:
        call = operations.call_of(service, request)
        if call is None or (shape := call.operation.input_shape) is None:
            return None
        violations: list[Violation] = []
        service.checks.of(shape)(call.parameters, (), violations)
    except SerializationError as error:
        return answers.unreadable(service.model, call.protocol if call else protocol, str(error))
    return answers.refusal(call, violations) if violations else None


def _protocol(request: Request) -> str:
    if request.headers.get("smithy-protocol") == "rpc-v2-cbor":
        return operations.CBOR
    if "x-amz-target" in request.headers:
        return operations.JSON
    form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    return operations.QUERY if form else operations.REST
