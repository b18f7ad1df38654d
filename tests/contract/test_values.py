"""Texts, dates, countries and currencies: the contract's patterns against their definitions."""

import re
import sys
import unicodedata
from datetime import UTC, datetime, timedelta
from functools import cache

import fastjsonschema
import iso3166
import iso4217
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orderflow import contract
from orderflow.clock import from_timestamp, to_timestamp

SCHEMA = contract.schema(contract.CONTRACTS / "common.v1.json")
DEFINITIONS = SCHEMA["definitions"]
JOINERS = {"\u200c", "\u200d"}
"""They shape Persian and Indic words, and join emoji."""
NO_TEXT = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode's categories of what controls a terminal, hides, or ends a line."""


@cache
def validator(kind):
    return fastjsonschema.compile(
        {"$ref": f"#/definitions/{kind}", "definitions": DEFINITIONS}, detailed_exceptions=False
    )


def admits(kind, value):
    """Whether a definition admits a value."""
    try:
        validator(kind)(value)
    except fastjsonschema.JsonSchemaValueException:
        return False
    return True


def test_text_has_no_character_that_controls_or_hides():
    """Every character of Unicode: refused exactly if its category says so, or it marks damage."""
    printable = re.compile(DEFINITIONS["printable"]["pattern"])
    for each in map(chr, range(sys.maxunicode + 1)):
        category = unicodedata.category(each)
        if category in NO_TEXT - {"Cf"} or (category == "Cf" and each not in JOINERS):
            assert not printable.search(f"{each}."), f"U+{ord(each):04X} {category}"
        elif not printable.search(f"{each}."):
            # Unassigned as yet, ignorable by default, damage, or what no SQS message may hold.
            known = category in {"Cn", "Mn"} or each == "\ufffd"
            assert known, f"U+{ord(each):04X} {category}"


@pytest.mark.parametrize(
    "text",
    [
        *("Zoë Łukasz", "O'Brien-Smith", "김민준", "محمد", "שרה", "Nguyễn Thị Ánh", "Zoe\u0308"),
        *(
            "\u0646\u06cc\u0645\u200c\u0641\u0627\u0635\u0644\u0647",  # Persian, with U+200C
            "ක්\u200dෂ",
            "👩\u200d👩\u200d👧",
            "❤\ufe0f",
            "a\u00a0b",
            "/",
            "x" * 100,
        ),
    ],
)
def test_names_of_people_and_places_are_text(text):
    assert admits("text", text)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "\u00a0", "\u3000 ", "\u200d", "\u2800", "\u3164", "\ufe0f", "x" * 101),
        *("a\nb", "a\x00", "\x1b[31mred", "\ud83d", "a\u202eb", "a\u200b", "\ufeffa", "Zo\ufffd"),
        *("a\u2028b", "\U000e0041a", "a\uffff", "\x7f", "\x85"),
    ],
)
def test_what_nobody_sees_is_no_text(text):
    """Blank, invisible, obeyed by a terminal, or damaged on its way."""
    assert not admits("text", text)


@settings(deadline=None)
@given(st.datetimes(datetime(1990, 1, 1), datetime(2110, 1, 1)))  # noqa: DTZ001 - UTC is added
def test_every_moment_of_this_century_is_a_timestamp(moment):
    moment = moment.replace(tzinfo=UTC, microsecond=moment.microsecond // 1000 * 1000)
    assert admits("timestamp", to_timestamp(moment)) == (2000 <= moment.year < 2100)
    assert from_timestamp(to_timestamp(moment)) == moment


@settings(deadline=None)
@given(
    st.from_regex(r"20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]\.[0-9]{3}Z")
    | st.from_regex(DEFINITIONS["timestamp"]["pattern"])
    | st.text(max_size=30)
)
def test_a_timestamp_is_a_day_and_time_that_exist(text):
    """The pattern admits what a calendar knows, and `from_timestamp` reads just that."""
    try:
        exists = 2000 <= from_timestamp(text).year < 2100
    except ValueError:
        exists = False
    assert admits("timestamp", text) == exists


def test_every_day_of_leap_years_and_others_is_judged_right():
    day = datetime(2000, 1, 1, tzinfo=UTC)
    while day.year < 2100:
        assert admits("timestamp", to_timestamp(day))
        day += timedelta(days=27)
    for year in range(2000, 2100):
        leaps = (datetime(year, 3, 1, tzinfo=UTC) - timedelta(days=1)).day == 29
        assert admits("timestamp", f"{year}-02-29T00:00:00.000Z") == leaps
    assert not admits("timestamp", "2026-06-30T23:59:60.000Z")


@pytest.mark.parametrize(
    ("kind", "length", "codes"),
    [
        ("country", 2, {*iso3166.countries_by_alpha2} | {"XK"}),
        ("currency", 3, {each.code for each in iso4217.Currency if each.exponent is not None}),
    ],
)
def test_codes_are_those_that_iso_lists(kind, length, codes):
    """Of all codes there could be, the pattern admits those of the standard."""
    pattern = re.compile(DEFINITIONS[kind]["pattern"])
    capitals = [chr(n) for n in range(ord("A"), ord("Z") + 1)]
    possible = [""]
    for _ in range(length):
        possible = [code + capital for code in possible for capital in capitals]
    assert {code for code in possible if pattern.search(code)} == codes
    assert not any(admits(kind, code) for code in ("", "eu", "EURO", "EUR\n", "DE ", 5, None))
