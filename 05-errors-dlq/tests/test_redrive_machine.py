"""Any sequence of dead letters, redrives, crashes and time: no message is lost."""

import contextlib
import json

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from recovery.redrive.consumers import Failure
from recovery.redrive.dead_letter import FAILED, UNDELIVERED
from recovery.redrive.queues import EXTENDED_VISIBILITY_SECONDS, VISIBILITY_TIMEOUT_SECONDS
from recovery.redrive.service import EVERYTHING, Filter, Result, discard, look, redrive

from tests.fixtures import api_record
from tests.fixtures.dead_letters import (
    CONSUMERS,
    DeadLettered,
    InMemory,
    KilledError,
    Mortal,
    TimePasses,
    on_failure,
    target_attributes,
)
from tests.fixtures.events import delivered, example

RETENTION_SECONDS = 14 * 24 * 3600
ORDERS = ("order-1", "order-2", "order-3")
ERRORS = ("GatewayUnavailableError", "UnknownSkuError")
FOREVER = 10**9
"""Calls of a process that is not killed."""

consumers = st.sampled_from(CONSUMERS)
orders = st.sampled_from(ORDERS)
parked = st.tuples(
    st.sampled_from([FAILED, UNDELIVERED]),
    st.builds(Filter, order_id=orders, consumer=consumers, error=st.sampled_from(ERRORS)),
)
"""The queue, and what there is to know about a message."""
answers = st.lists(
    st.sampled_from(["accept", "refuse", "lose the reply", "crash"]), min_size=1, max_size=4
)
seconds = st.sampled_from([0, 1, 50, 90])
"""How long a consumer runs."""
filters = st.just(EVERYTHING) | st.builds(
    Filter,
    order_id=st.none() | orders,
    consumer=st.none() | consumers,
    error=st.none() | st.sampled_from(ERRORS),
)
lives = st.just((FOREVER, False)) | st.tuples(st.integers(0, 6), st.booleans())
"""Calls until a redrive is killed, and whether the last one takes effect."""


class Consumers:
    """The port `Consumers`: each invocation does what the machine says, and takes so long."""

    def __init__(self, backend, time):
        self._backend, self._time = backend, time
        self.answers, self.seconds = ["accept"], 0
        self.invoked, self.last = [], None
        self.accepted = set()

    def invoke(self, consumer, event):
        name, answer = event["id"], self.answers[len(self.invoked) % len(self.answers)]
        self._assert_held(consumer, name)
        self.invoked.append((consumer, name))
        self.last = answer
        self._time.sleep(self.seconds)
        if answer == "crash":
            raise KeyboardInterrupt
        if answer == "refuse":
            return Failure(ERRORS[0], "the gateway does not answer")
        if answer == "lose the reply":
            return Failure("ReadTimeoutError", "no answer in time")
        self.accepted.add(name)
        return None

    def _assert_held(self, consumer, name):
        """Nobody else can receive the message while its consumer runs."""
        (message,) = [
            each
            for each in self._backend.messages
            if each.consumer == consumer and f'"{name}"' in each.content["Body"]
        ]
        assert message.visible_at == self._time.monotonic() + EXTENDED_VISIBILITY_SECONDS


class Redrive:
    """One redrive under way, in a process of its own, which may be killed."""

    def __init__(self, dead_lettered, consumers, wanted):
        self.wanted = wanted
        self.life, self.stopped = {"calls": FOREVER, "after": False}, False
        self.attempts = []
        self._attempts = redrive(
            Mortal(dead_lettered.another_redrive(), self.life),
            Mortal(consumers, self.life),
            wanted,
            sleep=dead_lettered.time.sleep,
            clock=dead_lettered.time.monotonic,
            now=dead_lettered.time.now,
            until=lambda: self.stopped,
        )

    def step(self):
        """Go on to the next message; return False when there is none, or the process is gone."""
        try:
            self.attempts.append(next(self._attempts))
        except (StopIteration, KilledError, KeyboardInterrupt):
            return False
        return True

    def close(self):
        with contextlib.suppress(KilledError):
            self._attempts.close()


class RedriveMachine(RuleBasedStateMachine):
    """Dead-letter queues, and all that can happen to them."""

    steps = 0

    def __init__(self):
        super().__init__()
        self.time = TimePasses()
        self.backend = InMemory(self.time)
        self.dead_lettered = DeadLettered(self.backend, self.time)
        self.consumers = Consumers(self.backend, self.time)
        self.messages, self.foreign = {}, set()
        self.discarded, self.expired = set(), set()
        self.running, self.held_until = [], 0.0

    # ── what happens ──

    @initialize(parked=st.lists(parked, max_size=6), answers=answers, seconds=seconds)
    def begin(self, parked, answers, seconds):
        self.the_consumers_change(answers, seconds)
        for each in parked:
            self.an_event_is_parked(each)

    @rule(parked=parked)
    def an_event_is_parked(self, parked):
        """Its consumer gave up, or EventBridge could not deliver it."""
        kind, meant = parked
        name = f"event-{len(self.messages)}"
        body, attributes = delivered(example("OrderCreated", order_id=meant.order_id), id=name), {}
        if kind == FAILED:
            body = on_failure(body, meant.consumer, responsePayload={"errorType": meant.error})
        else:
            attributes = target_attributes(meant.consumer, ERROR_CODE=meant.error)
        send = self.dead_lettered.raw
        message_id = send(json.dumps(body), meant.consumer, kind, attributes)
        self.messages[message_id] = name, meant

    @rule(consumer=consumers, kind=st.sampled_from([FAILED, UNDELIVERED]))
    def somebody_sends_another_message(self, consumer, kind):
        self.foreign.add(self.dead_lettered.raw('{"from": "somebody else"}', consumer, kind))

    @rule(answers=answers, seconds=seconds)
    def the_consumers_change(self, answers, seconds):
        self.consumers.answers, self.consumers.seconds = answers, seconds

    @rule(seconds=st.sampled_from([1, 30, 61, VISIBILITY_TIMEOUT_SECONDS, 3600, RETENTION_SECONDS]))
    def time_passes(self, seconds):
        """SQS deletes what is older than the retention period, whoever holds it."""
        self.time.sleep(seconds)
        if seconds == RETENTION_SECONDS:
            self.expired |= self._present()
            self.backend.messages.clear()

    # ── what somebody does ──

    @precondition(lambda self: len(self.running) < 2)
    @rule(wanted=filters)
    def begin_a_redrive(self, wanted):
        self.running.append(Redrive(self.dead_lettered, self.consumers, wanted))

    @precondition(lambda self: self.running)
    @rule(which=st.integers(0, 1), life=lives)
    def a_redrive_goes_on(self, which, life):
        self._go_on(self.running[which % len(self.running)], *life)

    @precondition(lambda self: self.running)
    @rule(which=st.integers(0, 1), life=lives)
    def a_redrive_goes_on_to_its_end(self, which, life):
        run = self.running[which % len(self.running)]
        bound = len(self.messages) + len(self.foreign) + len(run.attempts) + 1
        while run in self.running:
            self._go_on(run, *life)
            assert len(run.attempts) < bound, "a redrive has no end"

    @precondition(lambda self: self.running)
    @rule(which=st.integers(0, 1), closed=st.booleans())
    def a_redrive_is_stopped(self, which, closed):
        run = self.running.pop(which % len(self.running))
        invoked, run.stopped = len(self.consumers.invoked), True
        while not closed and run.step():
            pass
        run.close()
        assert len(self.consumers.invoked) == invoked

    @rule(wanted=filters)
    def look_at_the_messages(self, wanted):
        """A dry run shows what is visible and meant, oldest first, and changes nothing."""
        before = self.dead_lettered.counts()
        shown = look(self.dead_lettered.another_redrive(), wanted)
        assert {each.message_id for each in shown} == self._visible(wanted)
        assert [each.sent_at for each in shown] == sorted(each.sent_at for each in shown)
        assert self.dead_lettered.counts() == before

    @precondition(lambda self: self.backend.messages)
    @rule(which=st.integers(0, 20))
    def discard_a_message(self, which):
        message = self.backend.messages[which % len(self.backend.messages)]
        message_id = message.content["MessageId"]
        visible = message_id in self._visible(EVERYTHING)
        assert (
            discard(self.dead_lettered.another_redrive(), message.content["MessageId"]) is visible
        )
        if visible:
            self.discarded.add(message.content["MessageId"])

    # ── what is always true ──

    @invariant()
    def no_message_is_lost(self):
        """One that is gone was accepted, discarded, or kept for as long as a queue keeps it."""
        type(self).steps += 1
        accepted = {
            message_id
            for message_id, (name, _) in self.messages.items()
            if name in self.consumers.accepted
        }
        gone = (self.messages.keys() | self.foreign) - self._present()
        assert gone <= accepted | self.discarded | self.expired
        assert not self.discarded & self._present()

    @invariant()
    def a_redrive_that_ended_holds_nothing(self):
        """Except one that was killed: its messages are visible after their visibility timeout."""
        if not self.running and self.time.monotonic() >= self.held_until:
            assert self.dead_lettered.counts()[1] == 0

    @invariant()
    def each_event_goes_to_the_consumer_that_missed_it(self):
        missed = {(meant.consumer, name) for name, meant in self.messages.values()}
        assert set(self.consumers.invoked) <= missed

    def teardown(self):
        """At the end everything works again: one redrive is enough for all that can be redriven."""
        for run in self.running:
            run.close()
        self.consumers.answers, self.consumers.seconds = ["accept"], 0
        self.time.sleep(VISIBILITY_TIMEOUT_SECONDS)
        last = Redrive(self.dead_lettered, self.consumers, EVERYTHING)
        while last.step():
            pass
        assert self._present() <= self.foreign
        self.no_message_is_lost()

    # ── helpers ──

    def _go_on(self, run, calls, after):
        run.life |= {"calls": calls, "after": after}
        seen, invoked = len(run.attempts), len(self.consumers.invoked)
        if not run.step():
            self.running.remove(run)
            run.close()
        if run.life["calls"] <= 0:
            self.held_until = self.time.monotonic() + VISIBILITY_TIMEOUT_SECONDS
        new = self.consumers.invoked[invoked:]
        assert len(new) <= 1
        for _, name in new:
            (meant,) = [meant for other, meant in self.messages.values() if other == name]
            assert run.wanted in self._filters(meant)
        for attempt in run.attempts[seen:]:
            message_id = attempt.dead_letter.message_id
            assert [each.dead_letter.message_id for each in run.attempts].count(message_id) == 1
            if message_id in self.foreign:
                assert (attempt.result, new) == (Result.UNRECOGNISED, [])
            else:
                taken = self.consumers.last == "accept"
                assert attempt.result is (Result.REDRIVEN if taken else Result.FAILED_AGAIN)

    @staticmethod
    def _filters(meant):
        """Return every filter that a message matches."""
        return [
            Filter(order_id, consumer, error)
            for order_id in (None, meant.order_id)
            for consumer in (None, meant.consumer)
            for error in (None, meant.error)
        ]

    def _present(self):
        return {each.content["MessageId"] for each in self.backend.messages}

    def _visible(self, wanted):
        """Return the ids of the messages that nobody holds and that a filter means."""
        return {
            each.content["MessageId"]
            for each in self.backend.messages
            if each.visible_at <= self.time.monotonic() and self._is_meant(each, wanted)
        }

    def _is_meant(self, message, wanted):
        message_id = message.content["MessageId"]
        if message_id in self.foreign:
            return wanted in self._filters(Filter(None, message.consumer, "?"))
        return wanted in self._filters(self.messages[message_id][1])


def test_no_message_is_lost_whatever_happens():
    run_state_machine_as_test(
        RedriveMachine,
        settings=settings(
            max_examples=200,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
    api_record.add({api_record.REDRIVE_STEPS: RedriveMachine.steps})
