"""Explanations agree with the matcher, and the changes they name make events match.

The cases are all that the tests hold: the templates that LocalStack recorded on AWS, the stages'
patterns with the contract's examples, and those of exercise 04.1.
"""

import copy
import json
import re

import pytest
from hypothesis import example as always
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.exercises import test_own_pattern
from tests.fixtures.events import delivered, example, examples
from workshop.event_patterns import InvalidPatternError, matches
from workshop.paths import ROOT, in_stages
from workshop.why import explain
from workshop.why.explanation import NO_CHANGE
from workshop.why.pattern import alternatives

WITHOUT_CHANGE: dict[str, str] = {}
"""Case → why no change makes its event match; there is no such case."""


def recorded():
    path = ROOT / "tests/local_cloud/conformance/recorded/event_patterns.json"
    for case in json.loads(path.read_text("utf-8"))["cases"]:
        yield case["name"], case["pattern"], case["event"]


def of_stages():
    for path in in_stages("terraform/patterns/*.json"):
        for name, event in examples():
            yield f"{path.stem} {name}", path.read_text("utf-8"), event


def of_exercise():
    for test in (
        test_own_pattern.test_a_right_pattern_solves_the_exercise,
        test_own_pattern.test_a_pattern_that_eventbridge_refuses_does_not,
    ):
        (mark,) = (each for each in test.pytestmark if each.name == "parametrize")
        for order in mark.args[1]:
            pattern = copy.deepcopy(test_own_pattern.RIGHT)
            pattern["detail"]["data"]["order"] |= order
            for event_type, kind in (("ShipmentPrepared", ""), ("OrderCreated", "")):
                name = f"04.1 {json.dumps(order)} {event_type}"
                yield name, pattern, delivered(example(event_type, kind))


CASES = [*recorded(), *of_stages(), *of_exercise()]


def verdict(judge, *arguments):
    """Return a judge's answer: whether it matches, or EventBridge's refusal of the pattern."""
    try:
        answer = judge(*arguments)
    except InvalidPatternError as refusal:
        return str(refusal)
    return answer if isinstance(answer, bool) else answer.matched


def test_there_are_enough_cases():
    assert len(list(recorded())) >= 150
    assert len({name for name, _, _ in CASES}) == len(CASES)


@pytest.mark.parametrize(("name", "pattern", "event"), CASES, ids=[name for name, *_ in CASES])
def test_explanation_agrees_with_the_matcher(name, pattern, event):
    assert verdict(explain, pattern, event, matches) == verdict(matches, pattern, event)


NOT_MATCHED = [case for case in CASES if verdict(matches, *case[1:]) is False]


@pytest.mark.parametrize(
    ("name", "pattern", "event"), NOT_MATCHED, ids=[name for name, *_ in NOT_MATCHED]
)
def test_named_changes_make_the_event_match(name, pattern, event):
    before = copy.deepcopy(event)
    explanation = explain(pattern, event, matches)
    assert explanation.refusals
    if name in WITHOUT_CHANGE:
        assert NO_CHANGE in explanation.note
        return
    assert matches(pattern, explanation.changed)
    assert all(each.change and each.path and each.accepts for each in explanation.refusals)
    assert event == before
    named = {re.split(r"[.\[]", each.path)[0] for each in explanation.refusals}
    assert {key for key in event if explanation.changed[key] != event[key]} <= named


TEXTS = st.sampled_from(["a", "b", "ab", "", "1"])
OPTIONS = st.lists(
    st.one_of(
        TEXTS,
        st.sampled_from([1, 2.5, None, True]),
        st.sampled_from(
            [
                {"prefix": "a"},
                {"suffix": {"equals-ignore-case": "B"}},
                {"wildcard": "a*b"},
                {"equals-ignore-case": "AB"},
                {"anything-but": ["a", "other"]},
                {"anything-but": {"prefix": "o"}},
                {"anything-but": {"wildcard": "*"}},
                {"numeric": [">", 1, "<=", 2]},
                {"numeric": ["<", -5.5]},
                {"exists": True},
                {"exists": False},
                {"cidr": "10.0.0.0/8"},
            ]
        ),
    ),
    min_size=1,
    max_size=2,
)
ELEMENT_PATTERN = st.dictionaries(st.sampled_from(["sku", "units"]), OPTIONS, min_size=1)
PART = st.fixed_dictionaries(
    {},
    optional={"a": OPTIONS, "lines": ELEMENT_PATTERN, "b": st.fixed_dictionaries({"c": OPTIONS})},
).filter(bool)
PATTERNS = st.builds(
    lambda part, branches, first: (
        (
            {"$or": branches, **part}
            if first
            else {**part, **({"$or": branches} if branches else {})}
        )
        if branches
        else part
    ),
    PART,
    st.one_of(st.just([]), st.lists(PART, min_size=2, max_size=3)),
    st.booleans(),
)
LEAVES = st.one_of(TEXTS, st.sampled_from([1, 7, None, False]), st.lists(TEXTS, max_size=2))
ELEMENTS = st.dictionaries(st.sampled_from(["sku", "units"]), LEAVES)
DETAILS = st.fixed_dictionaries(
    {},
    optional={
        "a": LEAVES,
        "b": st.one_of(LEAVES, st.fixed_dictionaries({}, optional={"c": LEAVES})),
        "b.c": TEXTS,
        "lines": st.one_of(st.lists(st.one_of(ELEMENTS, st.lists(ELEMENTS)), max_size=4), LEAVES),
    },
)


@settings(deadline=None, max_examples=300)
@given(PATTERNS, DETAILS)
@always({"lines": {"sku": ["a"], "units": ["a"]}}, {"lines": [{}, {"sku": "a"}]})
def test_every_generated_event_can_be_changed_to_match(part, detail):
    """Every combination of fields here can match, so a change is always found."""
    pattern = {"source": ["s"], "detail": part}
    event = {"source": "s", "detail-type": "t", "detail": detail}
    explanation = explain(pattern, event, matches)
    assert explanation.matched == matches(pattern, event)
    if not explanation.matched:
        assert explanation.refusals
        assert matches(pattern, explanation.changed), explanation


@settings(deadline=None, max_examples=200)
@given(PATTERNS, DETAILS)
def test_a_pattern_matches_if_one_alternative_does(part, detail):
    event = {"source": "s", "detail-type": "t", "detail": detail}
    single = [
        all(matches(nested(names, options), event) for names, options in each.items())
        for each in alternatives({"detail": part})
    ]
    if "lines" not in detail:  # in an array, fields that match alone may not match together
        assert matches({"detail": part}, event) == any(single)


def nested(names, options):
    for name in reversed(names):
        options = {name: options}
    return options


def refusals(pattern, event):
    return {each.path: each for each in explain(pattern, event, matches).refusals}


def event_of(detail):
    return {"source": "s", "detail-type": "t", "detail": detail}


@pytest.mark.parametrize(
    ("options", "detail", "has", "accepts", "change"),
    [
        (["RESERVED"], {"f": "LATE"}, '"LATE"', '"RESERVED"', 'set it to "RESERVED"'),
        (["A", "B"], {}, "nothing", '"A" or "B"', 'add it with "A"'),
        (["A"], {"F": "A"}, "nothing; there is F", '"A"', 'add it with "A"'),
        (["A"], {"f": ["B"]}, '["B"]', '"A"', 'add "A" to it'),
        ([300], {"f": "300"}, '"300"', "300", "set it to 300 (a number)"),
        (["1"], {"f": 1}, "1", '"1"', 'set it to "1" (text)'),
        ([True], {"f": "true"}, '"true"', "true", "set it to true (without quotation marks)"),
        ([None], {"f": 0}, "0", "null", "set it to null"),
        ([""], {"f": "x"}, '"x"', '""', 'set it to ""'),
        ([{"exists": False}], {"f": 1}, "1", "no such field", "remove it"),
        (
            [{"exists": True}],
            {"f": {"g": 1}},
            '{"g": 1} (an object)',
            "any value",
            'set it to "any", for example',
        ),
        (
            [{"numeric": [">", 0, "<=", 5]}],
            {"f": 42},
            "42",
            "a number > 0 and <= 5",
            "set it to 5, for example",
        ),
        (
            [{"anything-but": {"prefix": ["a", "other"]}}],
            {"f": "ab"},
            '"ab"',
            'a value other than text that starts with "a" or "other"',
            'set it to "x", for example',
        ),
        (
            [{"suffix": {"equals-ignore-case": ".PNG"}}],
            {"f": "a.jpg"},
            '"a.jpg"',
            'text that ends with ".PNG" in upper or lower case',
            'set it to ".PNG", for example',
        ),
    ],
)
def test_a_refusal_is_said_in_words(options, detail, has, accepts, change):
    (refusal,) = refusals({"detail": {"f": options}}, event_of(detail)).values()
    assert (refusal.has, refusal.accepts, refusal.change) == (has, accepts, change)


def test_several_fields_are_named_at_once():
    pattern = {"source": ["x"], "detail": {"a": [1], "b": {"c": [{"exists": False}], "d": ["y"]}}}
    found = refusals(pattern, event_of({"a": 1, "b": {"c": 1}}))
    assert list(found) == ["source", "detail.b.c", "detail.b.d"]


def test_fields_of_an_array_must_match_in_one_element():
    """Each field matches in some element, and no element has both."""
    pattern = {"detail": {"lines": {"sku": ["MOUSE"], "quantity": [2], "gift": [True]}}}
    lines = [{"sku": "MOUSE", "quantity": 1, "gift": True}, {"sku": "KEYBOARD", "quantity": 2}]
    explanation = explain(pattern, event_of({"lines": lines}), matches)
    (refusal,) = explanation.refusals
    assert (refusal.path, refusal.has) == ("detail.lines[0].quantity", "1")
    assert "One element of detail.lines must match all its fields" in explanation.note
    assert explanation.changed["detail"]["lines"][0]["quantity"] == 2
    assert explanation.changed["detail"]["lines"][1] == lines[1]


def test_a_name_with_dots_in_the_event_is_a_path():
    pattern = {"detail": {"a": {"b": {"c": [1], "d": [2]}}}}
    found = refusals(pattern, event_of({"a.b": {"d": 3}}))
    assert list(found) == ["detail.a.b.c", "detail.a.b.d"]
    assert found["detail.a.b.c"].change == "add it with 1"
    assert found["detail.a.b.d"].change == "set it to 2"


def test_the_nearest_alternative_is_shown():
    pattern = {"detail": {"$or": [{"a": [1], "b": [1]}, {"c": [{"numeric": ["<", 3]}]}]}}
    explanation = explain(pattern, event_of({"c": 3}), matches)
    assert [each.path for each in explanation.refusals] == ["detail.c"]
    assert "2 alternatives" in explanation.note


def test_a_field_called_or_is_no_operator():
    pattern = {"detail": {"$or": [{"prefix": "a"}, {"suffix": "b"}]}}
    assert list(refusals(pattern, event_of({}))) == ["detail.$or"]


def test_a_pattern_that_nothing_matches_is_said_so():
    """The same path wants a value and an object."""
    pattern = {"detail": {"a": ["x"], "a.b": ["y"]}}
    explanation = explain(pattern, event_of({}), matches)
    assert explanation.changed is None
    assert explanation.note.endswith(NO_CHANGE)
    assert all(not each.change for each in explanation.refusals)


def test_a_field_that_eventbridge_sets_is_marked():
    event = event_of({}) | {"account": "000000000000"}
    (refusal,) = refusals({"account": ["111122223333"]}, event).values()
    assert refusal.change == 'set it to "111122223333" (EventBridge sets this field)'
