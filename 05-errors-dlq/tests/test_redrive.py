"""What the redrive does: nothing lost, nothing doubled, and an end in sight."""

import contextlib
from datetime import timedelta

import pytest
from recovery.redrive import service
from recovery.redrive.queues import VISIBILITY_TIMEOUT_SECONDS
from recovery.redrive.service import NEW_ONES, Filter, Result, discard, look, redrive

from orderflow.errors import AwsRequestError
from tests.fixtures.dead_letters import KilledError, Mortal


def run(dead_lettered, consumers, wanted=Filter(), *, queues=None, **options):  # noqa: B008 (frozen)
    """Begin a redrive on the test's clock."""
    return redrive(
        queues or dead_lettered.queues,
        consumers,
        wanted,
        sleep=dead_lettered.time.sleep,
        clock=dead_lettered.time.monotonic,
        now=dead_lettered.time.now,
        **options,
    )


def results(attempts):
    return sorted(
        (attempt.dead_letter.order_id or "", attempt.result.value) for attempt in attempts
    )


def test_what_is_accepted_leaves_the_queue(dead_lettered, consumers):
    """Both formats: each event to the consumer that missed it, and to no other."""
    dead_lettered.failed("order-1", "payment")
    dead_lettered.undelivered("order-2", "inventory")
    assert results(run(dead_lettered, consumers)) == [
        ("order-1", "redriven"),
        ("order-2", "redriven"),
    ]
    assert sorted(consumers.invoked) == [("inventory", "order-2"), ("payment", "order-1")]
    assert dead_lettered.visible() == []


def test_what_fails_again_stays_with_its_new_reason(dead_lettered, consumers):
    """It is tried once, reported with its reason, and visible again as soon as the redrive ends."""
    consumers.refuse = {"order-1"}
    stays = dead_lettered.failed("order-1", responsePayload=None)
    dead_lettered.failed("order-2")
    attempts = list(run(dead_lettered, consumers))
    assert results(attempts) == [("order-1", "failed_again"), ("order-2", "redriven")]
    (again,) = [attempt for attempt in attempts if attempt.result is Result.FAILED_AGAIN]
    assert (again.error, again.reason) == (
        "GatewayUnavailableError",
        "the gateway does not answer",
    )
    assert len(consumers.invoked) == 2
    assert dead_lettered.visible() == [stays]


def test_what_is_not_ours_is_named_and_left(dead_lettered, consumers):
    """Neither invoked nor deleted, however often a redrive runs."""
    unrecognised = dead_lettered.raw('{"from": "somebody else"}')
    for _ in range(2):
        (attempt,) = run(dead_lettered, consumers)
        assert (attempt.result, attempt.dead_letter.message_id) == (
            Result.UNRECOGNISED,
            unrecognised,
        )
    assert consumers.invoked == []
    assert dead_lettered.visible() == [unrecognised]


def test_only_what_is_meant_is_touched(dead_lettered, consumers):
    """By order, consumer, error and the beginning of a message's id, alone and together."""
    gone = {"responsePayload": {"errorType": "UnknownSkuError", "errorMessage": "no stock item"}}
    a = dead_lettered.failed("order-1", "payment")
    b = dead_lettered.failed("order-2", "payment")
    c = dead_lettered.failed("order-1", "inventory", **gone)
    by = {
        Filter(): {a, b, c},
        Filter(order_id="order-1"): {a, c},
        Filter(consumer="payment"): {a, b},
        Filter(error="UnknownSkuError"): {c},
        Filter(message_id=b[:10]): {b},
        Filter(order_id="order-1", consumer="payment"): {a},
        Filter(order_id="order-3"): set(),
    }
    for wanted, expected in by.items():
        assert {
            dead_letter.message_id for dead_letter in look(dead_lettered.queues, wanted)
        } == expected, wanted
    list(run(dead_lettered, consumers, Filter(order_id="order-1", consumer="inventory")))
    assert consumers.invoked == [("inventory", "order-1")]
    assert dead_lettered.visible() == sorted([a, b])


def test_a_filtered_message_is_invisible_for_a_moment_only(dead_lettered, consumers):
    """While a consumer runs, only what waits for its turn is held."""
    for n in range(3):
        dead_lettered.failed(f"order-{n}")
    seen = []
    consumers.during = lambda: seen.append(dead_lettered.counts())
    list(run(dead_lettered, consumers, Filter(order_id="order-1")))
    assert seen == [(2, 1)]


def test_what_is_discarded_is_one_message_and_no_other(dead_lettered, consumers):
    """Deleted without being invoked; the others are seen again at once; there is no second time."""
    gone, stays = dead_lettered.failed("order-1"), dead_lettered.failed("order-2")
    assert discard(dead_lettered.queues, gone) is True
    assert dead_lettered.visible() == [stays]
    assert discard(dead_lettered.queues, gone) is False
    assert dead_lettered.visible() == [stays]
    assert consumers.invoked == []


def test_looking_changes_nothing(dead_lettered):
    """Oldest first, and everything can be seen again at once."""
    ids = []
    for n in range(12):
        ids.append(dead_lettered.failed(f"order-{n}"))
        dead_lettered.time.sleep(1)
    assert [dead_letter.message_id for dead_letter in look(dead_lettered.queues)] == ids
    assert dead_lettered.visible() == sorted(ids)


def test_the_oldest_goes_first(dead_lettered, consumers):
    """Across queues."""
    for order_id, consumer in (("order-1", "inventory"), ("order-2", "payment")):
        dead_lettered.failed(order_id, consumer)
        dead_lettered.time.sleep(1)
    list(run(dead_lettered, consumers))
    assert [order_id for _, order_id in consumers.invoked] == ["order-1", "order-2"]


def test_the_rate_is_kept(in_memory, consumers):
    """Twenty-one invocations at two a second take ten seconds, and no more."""
    for n in range(21):
        in_memory.failed(f"order-{n}")
    list(run(in_memory, consumers, rate=2.0))
    assert len(consumers.invoked) == 21
    assert in_memory.time.seconds == pytest.approx(10)


def test_ten_a_second_are_invoked_without_a_rate(in_memory, consumers):
    for n in range(21):
        in_memory.failed(f"order-{n}")
    list(run(in_memory, consumers))
    assert in_memory.time.seconds == pytest.approx(2)


def test_what_came_back_meanwhile_is_met_in_a_later_round(in_memory, consumers):
    """Slow consumers: messages come back by themselves before it is their turn."""
    for n in range(10):
        in_memory.failed(f"order-{n}")
    consumers.during = lambda: in_memory.time.sleep(50)
    assert {result for _, result in results(run(in_memory, consumers))} == {"redriven"}
    assert len(consumers.invoked) == len(consumers.effects) == 10
    assert in_memory.visible() == []


def test_it_ends_while_everything_fails(in_memory, consumers):
    """Failing for longer than messages are held: each is still tried only once."""
    for n in range(10):
        in_memory.failed(f"order-{n}")
        consumers.refuse.add(f"order-{n}")
    consumers.during = lambda: in_memory.time.sleep(50)
    assert {result for _, result in results(run(in_memory, consumers))} == {"failed_again"}
    assert len(consumers.invoked) == 10


def test_what_fails_hides_nothing_behind_it(in_memory, consumers, monkeypatch):
    """A round is full of what fails again, or of what is not meant: the next one goes beyond it."""
    monkeypatch.setattr(service, "RECEIVE_AT_MOST", 5)
    monkeypatch.setattr(type(in_memory.queues), "most", 5)
    consumers.refuse = {f"order-{n}" for n in range(12)}
    for n in range(20):
        in_memory.failed(f"order-{n}")
    redriven = [a for a in run(in_memory, consumers) if a.result is Result.REDRIVEN]
    assert len(redriven) == 8
    (last,) = run(in_memory, consumers, Filter(order_id="order-11"))
    assert last.dead_letter.order_id == "order-11"
    monkeypatch.setattr(type(in_memory.queues), "most", 100)
    assert len(in_memory.visible()) == 12


def test_it_ends_while_new_ones_keep_coming(in_memory, consumers):
    """Each event that is redriven leads to a new dead letter: a later redrive sees to the rest."""
    in_memory.failed()

    def another():
        in_memory.time.sleep(1)
        in_memory.failed(f"order-{len(consumers.invoked)}")

    consumers.during = another
    attempts = list(run(in_memory, consumers))
    assert 1 < len(attempts) <= NEW_ONES / timedelta(seconds=1) + 1
    assert len(in_memory.visible()) == 1


def test_it_stops_on_request(dead_lettered, consumers):
    """No further message is begun, and the rest is released."""
    for n in range(3):
        dead_lettered.failed(f"order-{n}")
    assert len(list(run(dead_lettered, consumers, until=lambda: len(consumers.invoked) == 1))) == 1
    assert len(consumers.invoked) == 1
    assert len(dead_lettered.visible()) == 2
    assert list(run(dead_lettered, consumers, until=lambda: True)) == []


@pytest.mark.parametrize("crash", [KeyboardInterrupt(), RuntimeError("a bug")])
def test_an_interrupt_releases_the_rest(dead_lettered, consumers, crash):
    """Ctrl-C while a consumer runs: all can be seen again at once, that one too."""
    ids = [dead_lettered.failed(f"order-{n}") for n in range(3)]
    consumers.crash = crash
    with pytest.raises(type(crash)):
        list(run(dead_lettered, consumers))
    assert dead_lettered.visible() == sorted(ids)


def test_a_caller_that_stops_half_way_releases(dead_lettered, consumers):
    """Ctrl-C while an attempt is shown: closing the redrive releases the rest."""
    for n in range(3):
        dead_lettered.failed(f"order-{n}")
    with contextlib.closing(run(dead_lettered, consumers)) as attempts:
        next(attempts)
    assert len(dead_lettered.visible()) == 2


def test_two_redrives_share_the_work(dead_lettered, consumers):
    """The second begins while the first is at work: it finds nothing, and doubles nothing."""
    for n in range(3):
        dead_lettered.failed(f"order-{n}")
    consumers.refuse = {"order-2"}
    first = run(dead_lettered, consumers)
    begun = [next(first)]
    assert list(run(dead_lettered, consumers, queues=dead_lettered.another_redrive())) == []
    assert len(begun + list(first)) == 3
    assert len(consumers.invoked) == 3
    assert len(dead_lettered.visible()) == 1


def test_a_redrive_that_hangs_is_overtaken(dead_lettered, consumers):
    """A laptop asleep for an hour: another has done the work, and nothing is done twice."""
    for n in range(3):
        dead_lettered.failed(f"order-{n}")
    sleeping = run(dead_lettered, consumers)
    next(sleeping)
    dead_lettered.time.sleep(3600)
    assert len(list(run(dead_lettered, consumers, queues=dead_lettered.another_redrive()))) == 2
    assert list(sleeping) == []
    assert len(consumers.invoked) == 3
    assert dead_lettered.visible() == []


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
def test_killed_at_any_point_nothing_is_lost_and_nothing_done_twice(in_memory, consumers, after):
    """Whichever call is the last: two minutes later another redrive brings it all to its end."""
    calls, killed = 0, True
    while killed:
        calls, killed = calls + 1, False
        consumers.effects.clear()
        for n in range(3):
            in_memory.failed(f"order-{n}")
        life = {"calls": calls, "after": after}
        dying = Mortal(in_memory.queues, life)
        try:
            list(run(in_memory, Mortal(consumers, life), queues=dying))
        except KilledError:
            killed = True
        done = {order_id for _, order_id in consumers.effects}
        left = {dead_letter.order_id for dead_letter in look_later(in_memory)}
        assert done | left == {"order-0", "order-1", "order-2"}
        list(run(in_memory, consumers, queues=in_memory.another_redrive()))
        assert len(consumers.effects) == 3
        assert in_memory.visible() == []
    assert calls > 12


def look_later(dead_lettered):
    dead_lettered.time.sleep(VISIBILITY_TIMEOUT_SECONDS)
    return look(dead_lettered.another_redrive())


def test_an_error_of_sqs_ends_the_redrive_and_keeps_the_message(
    dead_lettered, consumers, monkeypatch
):
    """Accepted, but not deleted: the error is reported, and the message stays."""
    message_id = dead_lettered.failed()

    def denied(_):
        raise AwsRequestError("queue failed of payment: DeleteMessage: AccessDenied")

    monkeypatch.setattr(dead_lettered.queues, "delete", denied)
    with pytest.raises(AwsRequestError, match="DeleteMessage"):
        list(run(dead_lettered, consumers))
    assert dead_lettered.visible() == [message_id]
