"""Metrics in a log line, in CloudWatch's embedded metric format.

Source: CloudWatch User Guide, "Specification: Embedded metric format".
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Metric:
    """One metric of one log line.

    Attributes:
        namespace: Such as `orderflow`.
        name: Its name.
        dimensions: By name.
        values: In order.
        unit: Such as `Count`.
        seconds: The time, as a Unix time.
    """

    namespace: str
    name: str
    dimensions: dict[str, str]
    values: tuple[float, ...]
    unit: str
    seconds: float


def metrics_in(line: str) -> list[Metric]:
    """Return the metrics of a log line; none if it is not in the embedded metric format."""
    if '"CloudWatchMetrics"' not in line:
        return []
    try:
        document = json.loads(line)
        return list(_metrics(document, document["_aws"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        return []  # CloudWatch leaves it a log line, too


def _metrics(document: dict[str, Any], envelope: dict[str, Any]) -> Iterator[Metric]:
    """Yield a metric for each set of dimensions of each directive.

    Raises:
        KeyError, TypeError: The document is not in the format.
    """
    seconds = float(envelope["Timestamp"]) / 1000
    for directive in envelope["CloudWatchMetrics"]:
        for names in directive.get("Dimensions") or [[]]:
            dimensions = {name: str(document[name]) for name in names}
            for metric in directive["Metrics"]:
                value = document[metric["Name"]]
                yield Metric(
                    namespace=directive["Namespace"],
                    name=metric["Name"],
                    dimensions=dimensions,
                    values=tuple(float(each) for each in _as_list(value)),
                    unit=metric.get("Unit", "None"),
                    seconds=seconds,
                )


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
