"""A notebook's pictures: their texts, their layout, and that nothing overlaps."""

import configparser
import io
import random
import re
import struct
from dataclasses import replace
from datetime import timedelta

import matplotlib as mpl
import pytest
from PIL import Image

from devtools.notebooks.files import SANITISE
from tests.fixtures.journeys import (
    DECLINED,
    NORMAL,
    OVERTAKEN,
    RECONCILED,
    REDRIVEN,
    REFUNDED,
    RETRIED,
)
from workshop.errors import WorkshopError
from workshop.notebooks.pictures.charts import latency_chart, stock_chart
from workshop.notebooks.pictures.charts_layout import axis_end, spread_of
from workshop.notebooks.pictures.timeline import time_line

ALL_FOUR = "order-api → payment → inventory → shipping"
TO_THE_END = "CREATED → PAID → RESERVED → SHIPMENT_PREPARED"
REPORTS = {
    "normal": (NORMAL, [ALL_FOUR, TO_THE_END]),
    "declined": (DECLINED, ["order-api → payment", "CREATED → PAYMENT_DECLINED"]),
    "retried": (RETRIED, [ALL_FOUR, TO_THE_END, "failed: payment (GatewayUnavailableError)"]),
    "refunded": (
        REFUNDED,
        ["order-api → payment → inventory → payment-refund", "CREATED → PAID → REFUNDED"],
    ),
    "redriven": (
        REDRIVEN,
        [
            ALL_FOUR,
            TO_THE_END,
            "failed: inventory (UnknownSkuError)",
            "redriven",
        ],
    ),
    "reconciled": (
        RECONCILED,
        [
            ALL_FOUR,
            TO_THE_END,
            "re-published by the reconciler",
            "published again: payment, inventory",
        ],
    ),
}
"""The parts of the text of a journey's picture."""


def latencies(*, outlier=0.0):
    dice = random.Random(7)
    hop = [dice.uniform(5, 15) for _ in range(50)]
    whole = [each + 60 for each in hop]
    hop[3] += outlier
    whole[3] += outlier
    return {"order-api → payment": hop, "the whole journey": whole}


PICTURES = {
    "stock": lambda: stock_chart([(0, 20), (0.4, 3), (0.9, 0)], [0.1, 0.3], sku="MONITOR"),
    "latency": lambda: latency_chart(latencies(outlier=900)),
}


class TestEveryPicture:
    @pytest.mark.parametrize("draw", PICTURES.values(), ids=PICTURES)
    def test_picture_is_a_sharp_and_small_png_with_a_text(self, draw):
        picture = draw()
        png, shown = picture._repr_png_()
        assert png.startswith(b"\x89PNG\r\n\x1a\n")
        assert len(png) <= 120 * 1024
        assert struct.unpack(">II", png[16:24]) == (2 * shown["width"], 2 * shown["height"])
        assert 900 <= shown["width"] <= 960
        assert shown["alt"] == repr(picture)

    def test_picture_is_the_same_file_under_other_matplotlib_settings(self):
        once = PICTURES["latency"]().png
        with mpl.rc_context({"font.size": 30, "savefig.bbox": "tight", "font.family": "serif"}):
            assert PICTURES["latency"]().png == once
        assert b"Software" not in once

    def test_picture_is_white_in_its_corners(self):
        drawn = Image.open(io.BytesIO(PICTURES["stock"]().png)).convert("RGB")
        assert drawn.getpixel((0, 0)) == drawn.getpixel((drawn.width - 1, 0)) == (255, 255, 255)


class TestDrawingOfAJourney:
    def test_drawing_is_a_whole_svg_with_its_title(self):
        drawing = time_line(RETRIED, "Lambda tries again")
        assert drawing._repr_svg_().startswith("<svg ")
        assert ">Lambda tries again</text>" in drawing.svg
        assert "<style>" in drawing.svg

    def test_comparison_of_a_notebook_leaves_the_svg_out(self):
        """Its times differ in each run; the text beside it is compared."""
        settings = configparser.RawConfigParser()
        settings.read(SANITISE, encoding="utf-8")
        rule = settings["pictures of journeys"]
        drawn = time_line(RETRIED, "a").svg + "\n"
        assert re.sub(rule["regex"], rule["replace"], drawn) == "PICTURE\n"


class TestTextOfATimeline:
    @pytest.mark.parametrize(("hops", "report"), REPORTS.values(), ids=REPORTS)
    def test_text_names_functions_statuses_and_failures(self, hops, report):
        assert repr(time_line(hops)) == "Picture: an order's journey: " + "; ".join(report)

    def test_text_does_not_depend_on_how_far_the_tracker_lags(self):
        """The tracker may see a later event first; then it never sets the status between."""
        dice = random.Random(1)
        late = [
            replace(hop, at=hop.at + timedelta(milliseconds=dice.randrange(500)))
            if hop.function == "order-tracker"
            else hop
            for hop in NORMAL
        ]
        dice.shuffle(late)
        assert repr(time_line(late)) == repr(time_line(NORMAL)) == repr(time_line(OVERTAKEN))

    def test_text_does_not_contain_the_title(self):
        assert "ord_1" not in repr(time_line(NORMAL, "The journey of ord_1"))

    def test_journey_without_hops_is_an_error(self):
        with pytest.raises(WorkshopError, match=r"^No function has logged anything about this"):
            time_line([])


class TestCharts:
    def test_text_of_the_stock_chart_has_the_first_and_lowest_value(self):
        chart = stock_chart([(0.0, 20), (0.5, 0), (0.9, 4)], [0.2], sku="MONITOR")
        assert repr(chart) == (
            "Picture: units of MONITOR on hand while orders race for them: "
            "from 20 to 0, never below zero"
        )

    def test_text_of_the_stock_chart_says_below_zero(self):
        assert repr(stock_chart([(0.0, 2), (0.5, -1)], sku="MONITOR")).endswith(
            "from 2 to -1, below zero"
        )

    def test_stock_chart_needs_one_sample_only(self):
        assert stock_chart([(0.0, 0)], sku="MONITOR").png

    def test_text_of_the_latency_chart_has_no_numbers(self):
        assert repr(latency_chart(latencies())) == (
            "Picture: how long each hop takes, with p50 and p90: "
            "order-api → payment, the whole journey"
        )

    def test_chart_without_values_is_an_error(self):
        with pytest.raises(WorkshopError, match="no order has been measured"):
            latency_chart({})
        with pytest.raises(WorkshopError, match="no order has been measured"):
            latency_chart({"order-api → payment": []})
        with pytest.raises(WorkshopError, match="There are no samples of the stock"):
            stock_chart([], sku="MONITOR")

    def test_quantiles_lie_between_neighbouring_values(self):
        assert spread_of([4, 1, 3, 2]).p50 == 2.5
        assert spread_of([7]).p90 == 7

    def test_axis_ends_before_an_outlier(self):
        usual = [spread_of(values) for values in latencies().values()]
        cold = [spread_of(values) for values in latencies(outlier=900).values()]
        assert axis_end(usual) >= max(value for row in usual for value, _ in row.dots)
        assert axis_end(cold) < 200
