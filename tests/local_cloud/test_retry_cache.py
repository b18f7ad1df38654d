"""A call of Terraform's is made once: when its answer was lost, the second try gets it."""

import asyncio

import pytest

from local_cloud.endpoints.retry_cache import REMEMBERED, Repeats
from tests.local_cloud.conformance.marks import differs

TERRAFORM = b"APN/1.0 HashiCorp/1.0 Terraform/1.11.4 (+https://www.terraform.io)"


class Server:
    """Counts what it is asked; answers with the count, and with the statuses given."""

    def __init__(self, *statuses, size=0):
        self.asked = 0
        self.statuses = list(statuses)
        self.body = b" " * size
        self.hold = asyncio.Event()
        self.hold.set()

    async def __call__(self, scope, receive, send):
        self.asked += 1
        number = self.asked
        await self.hold.wait()
        status = self.statuses.pop(0) if self.statuses else 200
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"%d" % number + self.body})


def scope(call=b"one", agent=TERRAFORM, method="POST"):
    headers = [(b"user-agent", agent), (b"amz-sdk-invocation-id", call)]
    return {"type": "http", "method": method, "path": "/", "headers": headers}


async def ask(application, **named):
    said = []

    async def send(message):
        said.append(message)

    await application(scope(**named), None, send)
    return said[0]["status"], said[1]["body"].strip()


def run(story):
    return asyncio.run(story())


@differs(
    "All services",
    aws="A request that Terraform repeats, because the response was lost, is a new request.",
    here="It gets the first response again.",
    why="A busy laptop answers late. Creating a resource again would be refused: it exists.",
)
def test_the_second_try_gets_the_first_ones_answer():
    async def story():
        server = Server()
        repeats = Repeats(server)
        return await ask(repeats), await ask(repeats), server.asked

    assert run(story) == ((200, b"1"), (200, b"1"), 1)


def test_a_second_try_waits_for_the_first():
    async def story():
        server = Server()
        server.hold.clear()
        repeats = Repeats(server)
        both = [asyncio.create_task(ask(repeats)) for _ in range(2)]
        await asyncio.sleep(0)
        server.hold.set()
        return await asyncio.gather(*both), server.asked

    assert run(story) == ([(200, b"1"), (200, b"1")], 1)


def test_failed_request_is_tried_again():
    async def story():
        server = Server(429, 200)
        repeats = Repeats(server)
        return [await ask(repeats) for _ in range(3)]

    assert run(story) == [(429, b"1"), (200, b"2"), (200, b"2")]


def test_an_answer_that_nobody_got_is_none():
    """The first one went away in the middle: the second is served as if it were the first."""

    async def story():
        server = Server()
        server.hold.clear()
        repeats = Repeats(server)
        first = asyncio.create_task(ask(repeats))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        server.hold.set()
        return await ask(repeats)

    assert run(story) == (200, b"2")


@pytest.mark.parametrize(
    "other", [{"call": b"two"}, {"agent": b"Boto3/1.40"}, {"method": "GET"}], ids=str
)
def test_nothing_else_is_answered_from_memory(other):
    """Another call, another client, a mere look: a function's second try meets its own write."""

    async def story():
        server = Server()
        repeats = Repeats(server)
        await ask(repeats, **({} if "call" in other else other))
        await ask(repeats, **other)
        return server.asked

    assert run(story) == 2


def test_memory_is_bounded():
    async def story():
        large, many = Server(size=100_000), Server()
        repeats = Repeats(large)
        await ask(repeats)
        await ask(repeats)
        bounded = Repeats(many)
        for number in range(REMEMBERED + 1):
            await ask(bounded, call=b"%d" % number)
        await ask(bounded, call=b"0")
        return large.asked, many.asked

    assert run(story) == (2, REMEMBERED + 2)
