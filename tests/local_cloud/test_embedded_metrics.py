"""The embedded metric format: metrics in log lines."""

import json

import pytest

from local_cloud.delivery.embedded_metrics import Metric, metrics_in

ENVELOPE = {
    "Timestamp": 1_700_000_000_500,
    "CloudWatchMetrics": [
        {
            "Namespace": "orderflow",
            "Dimensions": [["service"], ["service", "stage"]],
            "Metrics": [{"Name": "stuck", "Unit": "Count"}, {"Name": "times"}],
        }
    ],
}
LINE = {"_aws": ENVELOPE, "service": "reconciler", "stage": 5, "stuck": 2, "times": [0.5, 1]}


def test_each_set_of_dimensions_has_its_metrics() -> None:
    found = metrics_in(json.dumps(LINE))
    service, both = {"service": "reconciler"}, {"service": "reconciler", "stage": "5"}
    when = 1_700_000_000.5
    assert found == [
        Metric("orderflow", "stuck", service, (2.0,), "Count", when),
        Metric("orderflow", "times", service, (0.5, 1.0), "None", when),
        Metric("orderflow", "stuck", both, (2.0,), "Count", when),
        Metric("orderflow", "times", both, (0.5, 1.0), "None", when),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "an order of a customer",
        '{"service": "reconciler", "stuck": 2}',
        'about "CloudWatchMetrics"',
        '["CloudWatchMetrics"]',
        json.dumps({**LINE, "stuck": "many"}),
        json.dumps({name: value for name, value in LINE.items() if name != "stuck"}),
        json.dumps({name: value for name, value in LINE.items() if name != "service"}),
        json.dumps({**LINE, "_aws": {"CloudWatchMetrics": []}}),
    ],
)
def test_any_other_line_has_none(line: str) -> None:
    assert metrics_in(line) == []
