"""A notebook's pictures: what their words say, where things go, and that nothing overlaps."""

import io
import random
import struct
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations, pairwise

import matplotlib as mpl
import pytest
from PIL import Image

from workshop.errors import WorkshopError
from workshop.notebooks.pictures import style
from workshop.notebooks.pictures.charts import latency_chart, stock_chart
from workshop.notebooks.pictures.charts_layout import axis_end, spread_of
from workshop.notebooks.pictures.timeline import time_line
from workshop.notebooks.pictures.timeline_layout import (
    Kind,
    Line,
    Scale,
    duration,
    folds_of,
    lay_out,
)
from workshop.notebooks.pictures.timeline_model import TRACKER, story_of
from workshop.orders.journey import Hop

START = datetime(2026, 1, 1, tzinfo=UTC)
GATEWAY = "GatewayUnavailableError: the gateway did not answer attempt 1"
SKU = "UnknownSkuError: no stock item for HEADSET"


def journey(told):
    """Make hops of lines such as `13 payment consumed order-created`; times in milliseconds."""
    hops = []
    for line in filter(None, map(str.strip, told.splitlines())):
        at, function, what, *step = line.split(" ", 3)
        if what == "again":
            what = "published again"
        at = START + timedelta(milliseconds=int(at))
        hops.append(Hop(at, function, what, "".join(step)))
    return hops


# Journeys as the local cloud logged them.
NORMAL = journey("""
    0 order-api published order-created
    5 payment consumed order-created
    10 order-tracker tracked order-created (no change)
    18 payment published payment-succeeded
    28 order-tracker tracked payment-succeeded → PAID
    29 inventory consumed payment-succeeded
    33 inventory published stock-reserved
    44 shipping consumed stock-reserved
    45 order-tracker tracked stock-reserved → RESERVED
    49 shipping published shipment-prepared
    63 order-tracker tracked shipment-prepared → SHIPMENT_PREPARED
""")
OVERTAKEN = journey("""
    0 order-api published order-created
    5 payment consumed order-created
    13 order-tracker tracked order-created (no change)
    19 payment published payment-succeeded
    30 inventory consumed payment-succeeded
    37 order-tracker tracked payment-succeeded → PAID
    39 inventory published stock-reserved
    48 shipping consumed stock-reserved
    59 shipping published shipment-prepared
    85 order-tracker tracked shipment-prepared → SHIPMENT_PREPARED
    832 order-tracker tracked stock-reserved (no change)
""")
DECLINED = journey("""
    0 order-api published order-created
    9 payment consumed order-created
    18 order-tracker tracked order-created (no change)
    26 payment published payment-declined
    58 order-tracker tracked payment-declined → PAYMENT_DECLINED
""")
RETRIED = journey(f"""
    0 order-api published order-created
    4 payment consumed order-created
    11 payment failed {GATEWAY}
    16 order-tracker tracked order-created (no change)
    1022 payment consumed order-created
    1027 payment failed {GATEWAY.replace("1", "2")}
    3036 payment consumed order-created
    3043 payment published payment-succeeded
    3046 inventory consumed payment-succeeded
    3054 inventory published stock-reserved
    3061 order-tracker tracked payment-succeeded → PAID
    3066 shipping consumed stock-reserved
    3079 order-tracker tracked stock-reserved → RESERVED
    3082 shipping published shipment-prepared
    3095 order-tracker tracked shipment-prepared → SHIPMENT_PREPARED
""")
REFUNDED = journey("""
    0 order-api published order-created
    5 payment consumed order-created
    17 order-tracker tracked order-created (no change)
    22 payment published payment-succeeded
    34 order-tracker tracked payment-succeeded → PAID
    36 inventory consumed payment-succeeded
    49 inventory published out-of-stock
    63 order-tracker tracked out-of-stock (no change)
    798 payment-refund consumed out-of-stock
    815 payment-refund published payment-refunded
    858 order-tracker tracked payment-refunded → REFUNDED
""")
REDRIVEN = journey(f"""
    0 order-api published order-created
    9 payment consumed order-created
    15 order-tracker tracked order-created (no change)
    23 payment published payment-succeeded
    32 inventory consumed payment-succeeded
    36 order-tracker tracked payment-succeeded → PAID
    42 inventory failed {SKU}
    1054 inventory consumed payment-succeeded
    1058 inventory failed {SKU}
    3067 inventory consumed payment-succeeded
    3075 inventory failed {SKU}
    875379 inventory consumed payment-succeeded
    875385 inventory published stock-reserved
    875390 shipping consumed stock-reserved
    875398 order-tracker tracked stock-reserved → RESERVED
    875399 shipping published shipment-prepared
    875412 redrive redriven payment-succeeded
    875416 order-tracker tracked shipment-prepared → SHIPMENT_PREPARED
""")
RECONCILED = journey("""
    0 order-api published order-created
    5 payment consumed order-created
    11 order-tracker tracked order-created (no change)
    15 payment published payment-succeeded
    22 inventory consumed payment-succeeded
    33 order-tracker tracked payment-succeeded → PAID
    35 inventory published stock-reserved
    48 order-tracker tracked stock-reserved → RESERVED
    3801 reconciler announced
    3810 order-tracker tracked order-created (no change)
    4339 payment consumed order-created
    4351 payment again payment-succeeded
    4379 inventory consumed payment-succeeded
    4391 inventory again stock-reserved
    4394 order-tracker tracked payment-succeeded (no change)
    4399 shipping consumed stock-reserved
    4409 shipping published shipment-prepared
    4415 order-tracker tracked stock-reserved (no change)
    4429 order-tracker tracked shipment-prepared → SHIPMENT_PREPARED
""")
KILLED = journey("""
    0 order-api published order-created
    7 payment consumed order-created
    17 order-tracker tracked order-created (no change)
    1645 payment consumed order-created
    1662 payment again payment-succeeded
""")
JOURNEYS = {
    "normal": NORMAL,
    "overtaken": OVERTAKEN,
    "declined": DECLINED,
    "retried": RETRIED,
    "refunded": REFUNDED,
    "redriven": REDRIVEN,
    "reconciled": RECONCILED,
    "killed": KILLED,
}

ALL_FOUR = "order-api → payment → inventory → shipping"
TO_THE_END = "CREATED → PAID → RESERVED → SHIPMENT_PREPARED"
TOLD = {
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
            "brought back by the redrive",
        ],
    ),
    "reconciled": (
        RECONCILED,
        [
            ALL_FOUR,
            TO_THE_END,
            "announced again by the reconciler",
            "published again: payment, inventory",
        ],
    ),
}
"""What the words of a journey's picture hold, part by part."""

every_journey = pytest.mark.parametrize("hops", JOURNEYS.values(), ids=JOURNEYS)


def layout_of(hops):
    return lay_out(story_of(hops), left=130, right=920, measure=style.text_width)


def latencies(*, outlier=0.0):
    dice = random.Random(7)
    hop = [dice.uniform(5, 15) for _ in range(50)]
    whole = [each + 60 for each in hop]
    hop[3] += outlier
    whole[3] += outlier
    return {"order-api → payment": hop, "the whole journey": whole}


PICTURES = {
    **{name: (lambda hops=hops: time_line(hops, "A title")) for name, hops in JOURNEYS.items()},
    "stock": lambda: stock_chart([(0, 20), (0.4, 3), (0.9, 0)], [0.1, 0.3], sku="MONITOR"),
    "latency": lambda: latency_chart(latencies(outlier=900)),
}


class TestEveryPicture:
    @pytest.mark.parametrize("draw", PICTURES.values(), ids=PICTURES)
    def test_is_a_sharp_and_small_png_with_words(self, draw):
        picture = draw()
        png, shown = picture._repr_png_()
        assert png.startswith(b"\x89PNG\r\n\x1a\n")
        assert len(png) <= 120 * 1024
        assert struct.unpack(">II", png[16:24]) == (2 * shown["width"], 2 * shown["height"])
        assert 900 <= shown["width"] <= 960
        assert shown["alt"] == repr(picture)

    def test_is_the_same_file_for_the_same_hops_whatever_a_reader_has_set(self):
        once = time_line(RETRIED).png
        with mpl.rc_context({"font.size": 30, "savefig.bbox": "tight", "font.family": "serif"}):
            assert time_line(RETRIED).png == once
        assert b"Software" not in once

    def test_is_white_in_its_corners(self):
        drawn = Image.open(io.BytesIO(time_line(NORMAL).png)).convert("RGB")
        assert drawn.getpixel((0, 0)) == drawn.getpixel((drawn.width - 1, 0)) == (255, 255, 255)


class TestWordsOfATimeLine:
    @pytest.mark.parametrize(("hops", "told"), TOLD.values(), ids=TOLD)
    def test_tell_the_story(self, hops, told):
        assert repr(time_line(hops)) == "Picture: an order's journey: " + "; ".join(told)

    def test_do_not_depend_on_how_far_the_tracker_lags(self):
        """It may see a later event first, and then never sets the status between."""
        dice = random.Random(1)
        late = [
            replace(hop, at=hop.at + timedelta(milliseconds=dice.randrange(500)))
            if hop.function == TRACKER
            else hop
            for hop in NORMAL
        ]
        dice.shuffle(late)
        assert repr(time_line(late)) == repr(time_line(NORMAL)) == repr(time_line(OVERTAKEN))

    def test_do_not_hold_the_title(self):
        assert "ord_1" not in repr(time_line(NORMAL, "The journey of ord_1"))

    def test_nothing_logged_is_said_in_a_sentence(self):
        with pytest.raises(WorkshopError, match=r"^No function has logged anything about this"):
            time_line([])


class TestStory:
    def test_lanes_follow_the_flow_and_the_tracker_comes_last(self):
        strange = Hop(START, "a-newcomer", "published", "order-created")
        assert story_of([*RECONCILED, strange]).functions == (
            "order-api",
            "reconciler",
            "payment",
            "inventory",
            "shipping",
            "a-newcomer",
            "order-tracker",
        )

    def test_an_event_goes_from_who_published_it_to_who_consumed_it(self):
        ways = [(way.source, way.step, way.target) for way in story_of(REFUNDED).ways]
        assert [way for way in ways if way[2] != TRACKER] == [
            ("order-api", "order-created", "payment"),
            ("payment", "payment-succeeded", "inventory"),
            ("inventory", "out-of-stock", "payment-refund"),
        ]

    @pytest.mark.parametrize(("hops", "retries"), [(RETRIED, 2), (REDRIVEN, 2), (NORMAL, 0)])
    def test_a_try_after_a_failure_is_no_new_event(self, hops, retries):
        assert sum(way.is_retry for way in story_of(hops).ways) == retries

    def test_what_the_reconciler_announces_is_a_new_event(self):
        sources = [way.source for way in story_of(RECONCILED).ways if way.target == "payment"]
        assert sources == ["order-api", "reconciler"]

    def test_a_consumer_that_spoke_before_the_reconciler_logged_was_still_sent_by_it(self):
        hasty = [
            replace(hop, at=hop.at + timedelta(milliseconds=540))
            if hop.function == "reconciler"
            else hop
            for hop in RECONCILED
        ]
        ways = [way for way in story_of(hasty).ways if way.target == "payment"]
        assert [way.source for way in ways] == ["order-api", "reconciler"]
        assert all(way.start <= way.end for way in ways)

    def test_the_redrive_stands_where_it_handed_the_event_over(self):
        """It waits for the answer and logs then; its arrow leads to the try that succeeded."""
        last = [way for way in story_of(REDRIVEN).ways if way.target == "inventory"][-1]
        assert (last.source, last.start, last.end) == ("redrive", 875.379, 875.379)

    def test_a_killed_function_has_no_end_and_its_next_try_is_a_retry(self):
        killed, second = [w for w in story_of(KILLED).works if w.function == "payment"]
        assert killed.end is None
        assert second.again
        assert any(way.is_retry for way in story_of(KILLED).ways)


class TestLayout:
    @pytest.mark.parametrize(
        ("hops", "pauses"),
        [
            (NORMAL, []),
            (DECLINED, []),
            (OVERTAKEN, ["747 ms"]),
            (RETRIED, ["1.0 s", "2.0 s"]),
            (REFUNDED, ["735 ms"]),
            (REDRIVEN, ["1.0 s", "2.0 s", "15 min"]),
        ],
        ids=["normal", "declined", "overtaken", "retried", "refunded", "redriven"],
    )
    def test_long_pauses_are_folded(self, hops, pauses):
        folds = folds_of(story_of(hops).moments)
        assert [duration(fold.seconds) for fold in folds] == pauses

    @pytest.mark.parametrize(
        "moments",
        [
            [0.5 * number for number in range(20)],
            [0, 1, 1.6, 2.1, 2.9, 3.4, 3.5, 3.6, 3.7, 3.75, 4.0],
            [0, 0.15, 0.17, 0.33, 0.36, 0.6],
            [0, 60],
            [0],
        ],
        ids=["steady", "busy all the time", "as on AWS", "two hops", "one hop"],
    )
    def test_nothing_is_folded_where_the_axis_is_well_used(self, moments):
        assert folds_of(moments) == ()

    @every_journey
    def test_time_goes_to_the_right_and_stays_on_the_sheet(self, hops):
        moments = story_of(hops).moments
        scale = Scale.over(moments, left=100, right=900)
        pixels = [scale.x(moment) for moment in moments]
        assert pixels == sorted(pixels)
        assert pixels[0] == pytest.approx(100)
        assert pixels[-1] == pytest.approx(900)

    def test_a_millisecond_is_as_wide_before_a_fold_as_after_it(self):
        scale = Scale.over([0, 0.01, 5, 5.02], left=0, right=500)
        assert scale.x(5.01) - scale.x(5) == pytest.approx(scale.x(0.01) - scale.x(0))

    @every_journey
    def test_no_label_touches_another_and_none_leaves_the_sheet(self, hops):
        labels = layout_of(hops).labels
        for one, other in combinations(labels, 2):
            if (one.function, one.line) == (other.function, other.line):
                left, right = sorted((one, other), key=lambda label: label.x)
                assert left.x + style.text_width(left.text) < right.x
        assert all(label.x + style.text_width(label.text) <= 921 for label in labels)

    @every_journey
    def test_no_label_lies_on_a_bar(self, hops):
        layout = layout_of(hops)
        for label in layout.labels:
            if label.line in {Line.MIDDLE, Line.OVER_ARROW}:
                end = label.x + style.text_width(label.text)
                for work in layout.story.works:
                    if work.function == label.function:
                        from_x, to_x = layout.box(work)
                        assert end <= from_x or label.x >= to_x

    @every_journey
    def test_each_event_status_and_error_is_named(self, hops):
        layout = layout_of(hops)
        named = {(label.kind, label.text.removesuffix(" (again)")) for label in layout.labels}
        works, tracked = layout.story.works, layout.story.tracked
        assert {(Kind.EVENT, work.published) for work in works if work.published} <= named
        assert {(Kind.FAILURE, work.error) for work in works if work.error} <= named
        assert {(Kind.STATUS, seen.status) for seen in tracked if seen.status} <= named

    def test_a_second_error_so_soon_after_the_first_has_a_line_of_its_own(self):
        soon = journey(f"""
            0 order-api published order-created
            4 payment consumed order-created
            11 payment failed {GATEWAY}
            16 payment consumed order-created
            22 payment failed ConditionalCheckFailedError: too late
            300 order-tracker tracked order-created (no change)
        """)
        lines = [label.line for label in layout_of(soon).labels if label.kind is Kind.FAILURE]
        assert lines == [Line.BELOW, Line.SECOND]

    @every_journey
    def test_ticks_differ_and_have_room(self, hops):
        scale = layout_of(hops).scale
        ticks = scale.ticks()
        assert len({text for _, text in ticks}) == len(ticks)
        pixels = [scale.x(moment) for moment, _ in ticks]
        assert all(right - left > 40 for left, right in pairwise(pixels))

    @pytest.mark.parametrize(
        ("seconds", "text"),
        [
            (0.014, "14 ms"),
            (0.9999, "1.0 s"),
            (2.84, "2.8 s"),
            (54, "54 s"),
            (900, "15 min"),
            (3 * 3600, "3 h"),
        ],
    )
    def test_durations_are_said_as_people_do(self, seconds, text):
        assert duration(seconds) == text


class TestCharts:
    def test_the_stock_s_words_hold_its_first_and_lowest_value(self):
        chart = stock_chart([(0.0, 20), (0.5, 0), (0.9, 4)], [0.2], sku="MONITOR")
        assert repr(chart) == (
            "Picture: pieces of MONITOR on hand while orders race for them: "
            "from 20 to 0, never below zero"
        )

    def test_a_stock_below_zero_is_not_called_fine(self):
        assert repr(stock_chart([(0.0, 2), (0.5, -1)], sku="MONITOR")).endswith(
            "from 2 to -1, below zero"
        )

    def test_one_sample_is_enough(self):
        assert stock_chart([(0.0, 0)], sku="MONITOR").png

    def test_the_latencies_words_hold_no_figures(self):
        assert repr(latency_chart(latencies())) == (
            "Picture: how long each hop takes, with p50 and p90: "
            "order-api → payment, the whole journey"
        )

    def test_nothing_measured_is_said_in_a_sentence(self):
        with pytest.raises(WorkshopError, match="no order has been measured"):
            latency_chart({})
        with pytest.raises(WorkshopError, match="no order has been measured"):
            latency_chart({"order-api → payment": []})
        with pytest.raises(WorkshopError, match="Nobody has looked"):
            stock_chart([], sku="MONITOR")

    def test_spread_lies_between_neighbouring_values(self):
        assert spread_of([4, 1, 3, 2]).p50 == 2.5
        assert spread_of([7]).p90 == 7

    def test_an_outlier_does_not_squeeze_the_rest(self):
        usual = [spread_of(values) for values in latencies().values()]
        cold = [spread_of(values) for values in latencies(outlier=900).values()]
        assert axis_end(usual) >= max(value for row in usual for value, _ in row.dots)
        assert axis_end(cold) < 200
