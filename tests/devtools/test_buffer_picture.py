"""The picture of a burst with and without a buffer."""

import xml.etree.ElementTree as ET

from devtools.bench import buffer

SVG = "{http://www.w3.org/2000/svg}"


def test_picture_has_a_line_for_each_consumer_with_and_without_a_buffer():
    slow = [float(second) for second in range(1, buffer.ORDERS + 1)]
    quick = [second / 10 for second in slow]
    drawn = ET.fromstring(  # noqa: S314 - our own text
        buffer.svg(
            {"order-tracker": slow, "payment": slow}, {"order-tracker": quick, "payment": slow}
        )
    )
    lines = [each.get("points").split() for each in drawn.iter(f"{SVG}polyline")]
    assert [len(each) for each in lines] == [buffer.ORDERS + 1] * 4
    ends = [float(each[-1].split(",")[0]) for each in lines]
    assert ends[1] < ends[0]  # the tracker ends earlier with a buffer
    assert ends[2] == ends[3]


def test_each_order_of_the_burst_is_slow():
    class Outputs:
        event_bus_name = "bus"

    class Stack:
        outputs = Outputs

    entry = buffer._entry(Stack, "ord_1")
    assert f'"token":"{buffer.SLOW_TOKEN}"' in entry["Detail"]
    assert "example-1" not in entry["Detail"]
    assert entry["Source"] == "orderflow.order"
