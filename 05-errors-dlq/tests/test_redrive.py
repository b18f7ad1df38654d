"""What the redrive does: nothing lost, nothing doubled, and an end in sight."""

import contextlib
from datetime import timedelta

import pytest
from recovery.redrive import service
from recovery.redrive.queues import OUT_OF_SIGHT_SECONDS
from recovery.redrive.service import NEW_ONES, Result, Wanted, discard, look, redrive

from orderflow.errors import AwsRequestError


def run(parked, consumers, wanted=Wanted(), *, queues=None, **options):  # noqa: B008 (frozen)
    """Begin a redrive on the test's clock."""
    return redrive(
        queues or parked.queues,
        consumers,
        wanted,
        sleep=parked.time.sleep,
        clock=parked.time.monotonic,
        now=parked.time.now,
        **options,
    )


def results(attempts):
    return sorted((attempt.letter.order_id or "", attempt.result.value) for attempt in attempts)


def test_what_is_accepted_leaves_the_queue(parked, consumers):
    """Both formats: each event to the consumer that missed it, and to no other."""
    parked.failed("order-1", "payment")
    parked.undelivered("order-2", "inventory")
    assert results(run(parked, consumers)) == [("order-1", "redriven"), ("order-2", "redriven")]
    assert sorted(consumers.invoked) == [("inventory", "order-2"), ("payment", "order-1")]
    assert parked.visible() == []


def test_what_fails_again_stays_with_its_new_reason(parked, consumers):
    """It is tried once, told with why, and seen again as soon as the redrive ends."""
    consumers.refuse = {"order-1"}
    stays = parked.failed("order-1", responsePayload=None)
    parked.failed("order-2")
    attempts = list(run(parked, consumers))
    assert results(attempts) == [("order-1", "failed_again"), ("order-2", "redriven")]
    (again,) = [attempt for attempt in attempts if attempt.result is Result.FAILED_AGAIN]
    assert (again.error, again.reason) == (
        "GatewayUnavailableError",
        "the gateway does not answer",
    )
    assert len(consumers.invoked) == 2
    assert parked.visible() == [stays]


def test_what_is_not_ours_is_named_and_left(parked, consumers):
    """Neither invoked nor deleted, however often a redrive runs."""
    foreign = parked.raw('{"from": "somebody else"}')
    for _ in range(2):
        (attempt,) = run(parked, consumers)
        assert (attempt.result, attempt.letter.message_id) == (Result.FOREIGN, foreign)
    assert consumers.invoked == []
    assert parked.visible() == [foreign]


def test_only_what_is_meant_is_touched(parked, consumers):
    """By order, consumer, error and the beginning of a message's id, alone and together."""
    gone = {"responsePayload": {"errorType": "UnknownSkuError", "errorMessage": "no stock item"}}
    a = parked.failed("order-1", "payment")
    b = parked.failed("order-2", "payment")
    c = parked.failed("order-1", "inventory", **gone)
    by = {
        Wanted(): {a, b, c},
        Wanted(order_id="order-1"): {a, c},
        Wanted(consumer="payment"): {a, b},
        Wanted(error="UnknownSkuError"): {c},
        Wanted(message_id=b[:10]): {b},
        Wanted(order_id="order-1", consumer="payment"): {a},
        Wanted(order_id="order-3"): set(),
    }
    for wanted, expected in by.items():
        assert {letter.message_id for letter in look(parked.queues, wanted)} == expected, wanted
    list(run(parked, consumers, Wanted(order_id="order-1", consumer="inventory")))
    assert consumers.invoked == [("inventory", "order-1")]
    assert parked.visible() == sorted([a, b])


def test_what_is_not_meant_is_out_of_sight_for_a_moment_only(parked, consumers):
    """While a consumer runs, only what waits for its turn is held."""
    for n in range(3):
        parked.failed(f"order-{n}")
    seen = []
    consumers.during = lambda: seen.append(parked.counts())
    list(run(parked, consumers, Wanted(order_id="order-1")))
    assert seen == [(2, 1)]


def test_what_is_discarded_is_one_message_and_no_other(parked, consumers):
    """Deleted without being invoked; the others are seen again at once; there is no second time."""
    gone, stays = parked.failed("order-1"), parked.failed("order-2")
    assert discard(parked.queues, gone) is True
    assert parked.visible() == [stays]
    assert discard(parked.queues, gone) is False
    assert parked.visible() == [stays]
    assert consumers.invoked == []


def test_looking_changes_nothing(parked):
    """Oldest first, and everything can be seen again at once."""
    ids = []
    for n in range(12):
        ids.append(parked.failed(f"order-{n}"))
        parked.time.sleep(1)
    assert [letter.message_id for letter in look(parked.queues)] == ids
    assert parked.visible() == sorted(ids)


def test_the_oldest_goes_first(parked, consumers):
    """Across queues."""
    for order_id, consumer in (("order-1", "inventory"), ("order-2", "payment")):
        parked.failed(order_id, consumer)
        parked.time.sleep(1)
    list(run(parked, consumers))
    assert [order_id for _, order_id in consumers.invoked] == ["order-1", "order-2"]


def test_the_rate_is_kept(in_memory, consumers):
    """Twenty-one invocations at two a second take ten seconds, and no more."""
    for n in range(21):
        in_memory.failed(f"order-{n}")
    list(run(in_memory, consumers, rate=2.0))
    assert len(consumers.invoked) == 21
    assert in_memory.time.seconds == pytest.approx(10)


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
    monkeypatch.setattr(service, "TAKE_AT_MOST", 5)
    monkeypatch.setattr(type(in_memory.queues), "most", 5)
    consumers.refuse = {f"order-{n}" for n in range(12)}
    for n in range(20):
        in_memory.failed(f"order-{n}")
    redriven = [a for a in run(in_memory, consumers) if a.result is Result.REDRIVEN]
    assert len(redriven) == 8
    (last,) = run(in_memory, consumers, Wanted(order_id="order-11"))
    assert last.letter.order_id == "order-11"
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


def test_it_stops_when_it_is_told_to(parked, consumers):
    """No further message is begun, and what was held is put back."""
    for n in range(3):
        parked.failed(f"order-{n}")
    assert len(list(run(parked, consumers, until=lambda: len(consumers.invoked) == 1))) == 1
    assert len(consumers.invoked) == 1
    assert len(parked.visible()) == 2
    assert list(run(parked, consumers, until=lambda: True)) == []


@pytest.mark.parametrize("crash", [KeyboardInterrupt(), RuntimeError("a bug")])
def test_an_interrupt_puts_back_what_was_held(parked, consumers, crash):
    """Ctrl-C while a consumer runs: all can be seen again at once, that one too."""
    ids = [parked.failed(f"order-{n}") for n in range(3)]
    consumers.crash = crash
    with pytest.raises(type(crash)):
        list(run(parked, consumers))
    assert parked.visible() == sorted(ids)


def test_a_caller_that_stops_half_way_puts_back(parked, consumers):
    """Ctrl-C while an attempt is shown: closing the redrive puts back the rest."""
    for n in range(3):
        parked.failed(f"order-{n}")
    with contextlib.closing(run(parked, consumers)) as attempts:
        next(attempts)
    assert len(parked.visible()) == 2


def test_two_redrives_share_the_work(parked, consumers):
    """The second begins while the first is at work: it finds nothing, and doubles nothing."""
    for n in range(3):
        parked.failed(f"order-{n}")
    consumers.refuse = {"order-2"}
    first = run(parked, consumers)
    begun = [next(first)]
    assert list(run(parked, consumers, queues=parked.another_redrive())) == []
    assert len(begun + list(first)) == 3
    assert len(consumers.invoked) == 3
    assert len(parked.visible()) == 1


def test_a_redrive_that_hangs_is_overtaken(parked, consumers):
    """A laptop asleep for an hour: another has done the work, and nothing is done twice."""
    for n in range(3):
        parked.failed(f"order-{n}")
    sleeping = run(parked, consumers)
    next(sleeping)
    parked.time.sleep(3600)
    assert len(list(run(parked, consumers, queues=parked.another_redrive()))) == 2
    assert list(sleeping) == []
    assert len(consumers.invoked) == 3
    assert parked.visible() == []


class KilledError(BaseException):
    """The process is gone."""


class Mortal:
    """Passes calls on to a port until its life is over, before or after the last one counts."""

    def __init__(self, port, life):
        self._port, self._life = port, life

    def __getattr__(self, name):
        def call(*arguments):
            self._life["calls"] -= 1
            if self._life["calls"] < 0:
                raise KilledError
            answer = getattr(self._port, name)(*arguments)
            if self._life["calls"] == 0 and self._life["after"]:
                raise KilledError
            return answer

        return call


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
        left = {letter.order_id for letter in look_later(in_memory)}
        assert done | left == {"order-0", "order-1", "order-2"}
        list(run(in_memory, consumers, queues=in_memory.another_redrive()))
        assert len(consumers.effects) == 3
        assert in_memory.visible() == []
    assert calls > 12


def look_later(parked):
    parked.time.sleep(OUT_OF_SIGHT_SECONDS)
    return look(parked.another_redrive())


def test_an_error_of_sqs_ends_the_redrive_and_keeps_the_message(parked, consumers, monkeypatch):
    """Accepted, but not deleted: the error is told, and the message is there for the next time."""
    message_id = parked.failed()

    def denied(_):
        raise AwsRequestError("queue failed of payment: DeleteMessage: AccessDenied")

    monkeypatch.setattr(parked.queues, "delete", denied)
    with pytest.raises(AwsRequestError, match="DeleteMessage"):
        list(run(parked, consumers))
    assert parked.visible() == [message_id]
