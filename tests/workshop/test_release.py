"""Releases: the newest code becomes live, all of it or nothing, and can be rolled back."""

import itertools
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

from workshop.deployment.release import (
    function_updates,
    gateway_switch,
    live_alias,
    propagation,
    release,
)
from workshop.deployment.release.live_alias import UNPUBLISHED, Entry
from workshop.errors import WorkshopError

KEYS = ("inventory", "order-api", "payment", "payment-refund")
ALIAS = "live"


class FakeLambda:
    """Functions with versions and an alias, as Lambda keeps them."""

    def __init__(self, keys=KEYS):
        self.code = {f"app-{key}": "one" for key in keys}
        self.variables = {f"app-{key}": {} for key in keys}
        self.published = {name: [] for name in self.code}
        self.aliases = {
            name: {"FunctionVersion": UNPUBLISHED, "Description": "", "RevisionId": "0"}
            for name in self.code
        }
        self.moved = []
        self.refuses = ""
        self.loses_the_answer_of = ""
        self.revisions = itertools.count(1)

    def get_function_configuration(self, FunctionName, Qualifier=None):  # noqa: N803
        version = self.aliases[FunctionName]["FunctionVersion"] if Qualifier == ALIAS else Qualifier
        newest = (self.code[FunctionName], dict(self.variables[FunctionName]))
        known = dict(self.published[FunctionName])
        code, variables = newest if version in {None, UNPUBLISHED} else known[version]
        return {"CodeSha256": code, "Environment": {"Variables": dict(variables)}}

    def update_function_configuration(self, FunctionName, Environment):  # noqa: N803
        self.variables[FunctionName] = Environment["Variables"]

    def publish_version(self, FunctionName, CodeSha256):  # noqa: N803
        assert CodeSha256 == self.code[FunctionName]
        newest = (self.code[FunctionName], dict(self.variables[FunctionName]))
        versions = self.published[FunctionName]
        if not versions or versions[-1][1] != newest:
            versions.append((str(len(versions) + 1), newest))
        return {"Version": versions[-1][0]}

    def get_alias(self, FunctionName, Name):  # noqa: N803
        assert Name == ALIAS
        return dict(self.aliases[FunctionName])

    def update_alias(self, FunctionName, Description, RevisionId, **given):  # noqa: N803
        assert given["RoutingConfig"] == {"AdditionalVersionWeights": {}}
        if FunctionName == self.refuses:
            raise ClientError({"Error": {"Code": "TooManyRequestsException"}}, "UpdateAlias")
        assert RevisionId == self.aliases[FunctionName]["RevisionId"]
        assert len(Description) <= 256, "Lambda refuses it"
        self.moved.append(FunctionName)
        self.aliases[FunctionName] = {
            "FunctionVersion": given["FunctionVersion"],
            "Description": Description,
            "RevisionId": str(next(self.revisions)),
        }
        if FunctionName == self.loses_the_answer_of:
            self.loses_the_answer_of = ""
            raise ClientError({"Error": {"Code": "PreconditionFailedException"}}, "UpdateAlias")

    def live(self):
        return {name: each["FunctionVersion"] for name, each in self.aliases.items()}


@pytest.fixture(autouse=True)
def waits(monkeypatch):
    """The stacks whose moved aliases were waited for."""
    found = []
    monkeypatch.setattr(propagation, "wait", found.append)
    return found


@pytest.fixture
def there(monkeypatch):
    """A fake Lambda; every release has another second."""
    seconds = itertools.count()
    clock = SimpleNamespace(
        now=lambda _: SimpleNamespace(strftime=lambda _: f"2026{next(seconds):04}T120000Z")
    )
    monkeypatch.setattr(release, "datetime", clock)
    monkeypatch.setattr(function_updates, "POLL_SECONDS", 0)
    return FakeLambda()


def deliver(there):
    """Release, as `make up` does: nobody asks for a proof."""
    moves = release.release(stack(there))
    release.accept(stack(there), moves)
    return moves


def stack(there, alias=ALIAS):
    names = {key: f"app-{key}" for key in KEYS}
    outputs = SimpleNamespace(function_names=names, live_alias=alias)
    target = SimpleNamespace(own=True, name="test")
    return SimpleNamespace(stage=6, target=target, outputs=outputs, client=lambda _: there)


def test_the_first_release_gives_every_function_a_version(there):
    moves = deliver(there)
    assert set(there.live().values()) == {"1"}
    assert {each.before for each in moves} == {UNPUBLISHED}


def test_consumers_move_before_those_who_write_what_they_read(there):
    deliver(there)
    assert there.moved[:4] == [
        "app-payment-refund",
        "app-inventory",
        "app-payment",
        "app-order-api",
    ]


def test_only_functions_that_changed_move(there):
    deliver(there)
    there.code["app-payment"] = "two"
    [move] = deliver(there)
    assert (move.key, move.before, move.now) == ("payment", "1", "2")
    assert deliver(there) == []


def test_one_refused_move_takes_all_back(there):
    """A system that is half new and half old was never tested."""
    deliver(there)
    before = there.aliases["app-inventory"]
    there.code |= {"app-inventory": "two", "app-payment": "two"}
    there.refuses = "app-payment"
    with pytest.raises(ClientError):
        deliver(there)
    assert set(there.live().values()) == {"1"}
    assert there.aliases["app-inventory"]["Description"] == before["Description"]


def test_a_move_whose_answer_was_lost_is_taken_back_too(there):
    """The SDK asks again, and is refused because of its own first try."""
    deliver(there)
    there.code |= {"app-inventory": "two", "app-payment": "two"}
    there.loses_the_answer_of = "app-payment"
    with pytest.raises(ClientError):
        deliver(there)
    assert set(there.live().values()) == {"1"}


def test_all_that_can_be_is_taken_back(there):
    """One that cannot be moved is named; one that somebody else has moved is left alone."""
    deliver(there)
    there.code |= {"app-inventory": "two", "app-payment": "two", "app-order-api": "two"}
    moves = deliver(there)
    there.refuses = "app-payment"
    there.aliases["app-order-api"]["FunctionVersion"] = "7"
    with pytest.raises(WorkshopError, match=r"still live: payment 2 .*make rollback"):
        release.take_back(stack(there), moves)
    assert there.live()["app-inventory"] == "1"
    assert there.live()["app-order-api"] == "7"
    there.refuses = ""
    release.rollback(stack(there))
    assert there.live()["app-payment"] == "1"


def test_a_rollback_undoes_the_newest_release_and_no_other(there):
    deliver(there)
    there.code["app-inventory"] = "two"
    deliver(there)
    there.code["app-payment"] = "two"
    deliver(there)
    [move] = release.rollback(stack(there))
    assert (move.key, move.before, move.now) == ("payment", "2", "1")
    assert there.live()["app-inventory"] == "2"
    [move] = release.rollback(stack(there))
    assert (move.key, move.before, move.now) == ("inventory", "2", "1")


def test_there_is_nothing_before_the_first_release(there):
    for _ in range(2):
        with pytest.raises(WorkshopError, match="nothing to go back to"):
            release.rollback(stack(there))
        deliver(there)
    assert set(there.live().values()) == {"1"}


def test_after_a_rollback_other_code_is_released_as_usual(there):
    deliver(there)
    there.code["app-payment"] = "bad"
    deliver(there)
    release.rollback(stack(there))
    there.code["app-payment"] = "fixed"
    deliver(there)
    assert there.live()["app-payment"] == "3"
    release.rollback(stack(there))
    assert there.live()["app-payment"] == "1", "not the bad one"


def test_the_history_stays_as_short_as_lambda_wants_it(there):
    for number in range(30):
        there.code["app-payment"] = f"code {number}"
        deliver(there)
    for _ in range(live_alias.REMEMBERED - 1):
        release.rollback(stack(there))
    assert there.live()["app-payment"] == str(30 - live_alias.REMEMBERED + 1)


def test_a_release_that_fails_its_proof_is_taken_back(there):
    deliver(there)
    before = dict(there.aliases["app-payment"], RevisionId=None)
    there.code["app-payment"] = "bad"

    def verify(_):
        assert there.live()["app-payment"] == "2", "what is proved is the new version"
        raise WorkshopError("no shipment")

    with pytest.raises(
        WorkshopError, match=r"no shipment\nThe release was taken back: payment 2 → 1"
    ):
        release.release_and_verify(stack(there), verify)
    assert dict(there.aliases["app-payment"], RevisionId=None) == before


def test_release_is_proved_when_its_aliases_lead_to_the_new_versions(there, waits):
    release.release_and_verify(stack(there), lambda _: waits.append("proved"))
    assert len(waits) == 2
    assert waits[1] == "proved"


def test_a_release_that_proved_itself_is_over(there):
    """The next one is another, and a rollback undoes that one alone."""
    release.release_and_verify(stack(there), lambda _: None)
    there.code["app-inventory"] = "two"
    release.release_and_verify(stack(there), lambda _: None)
    there.code["app-payment"] = "two"
    [move] = release.release_and_verify(stack(there), lambda _: None)
    assert (move.key, move.before, move.now) == ("payment", "1", "2")
    assert [move.key for move in release.rollback(stack(there))] == ["payment"]


def test_a_release_that_was_killed_goes_on_as_one(there):
    """Wherever it was killed, in its moves or in its proof: begun again, all of it goes back."""
    deliver(there)
    there.code |= {"app-inventory": "two", "app-payment": "two"}
    release.release(stack(there))  # killed in its proof: nobody accepted it
    there.code["app-order-api"] = "two"

    def verify(_):
        raise WorkshopError("no shipment")

    with pytest.raises(WorkshopError, match=r"payment 2 → 1.*inventory 2 → 1|inventory 2 → 1"):
        release.release_and_verify(stack(there), verify)
    assert set(there.live().values()) == {"1"}


def test_a_release_that_was_killed_is_rolled_back_whole(there):
    deliver(there)
    there.code |= {"app-inventory": "two", "app-payment": "two"}
    release.release(stack(there))
    assert {move.key for move in release.rollback(stack(there))} == {"inventory", "payment"}


def test_what_somebody_wrote_into_a_description_is_no_release(there):
    deliver(there)
    there.code["app-payment"] = "two"
    deliver(there)
    there.aliases["app-inventory"]["Description"] += " x=2 zzzz=1"
    assert [move.key for move in release.rollback(stack(there))] == ["payment"]


def test_an_interrupted_proof_takes_the_release_back(there):
    deliver(there)
    there.code["app-payment"] = "new"

    def verify(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        release.release_and_verify(stack(there), verify)
    assert there.live()["app-payment"] == "1"


def test_a_first_release_that_fails_stays_and_says_so(there):
    def verify(_):
        raise WorkshopError("no shipment")

    with pytest.raises(WorkshopError, match=r"Nothing was live before in .*: their first"):
        release.release_and_verify(stack(there), verify)
    assert set(there.live().values()) == {"1"}


def test_an_alias_that_somebody_else_moved_has_no_history(there):
    deliver(there)
    there.code["app-payment"] = "two"
    deliver(there)
    there.aliases["app-payment"]["FunctionVersion"] = "1"
    assert release.versions(stack(there))["payment"].history == ()


def test_a_stack_without_aliases_names_the_way_to_them(there):
    with pytest.raises(WorkshopError, match="make up STAGE=6"):
        release.release(stack(there, alias=None))


def test_a_switched_gateway_is_live_and_no_release(there):
    """A rollback goes to the code before, not to the setting before."""
    deliver(there)
    there.code["app-payment"] = "two"
    deliver(there)
    gateway_switch.switch(stack(there), up=False)
    assert set(gateway_switch.state(stack(there)).values()) == {False}
    [entry, before] = release.versions(stack(there))["payment"].history
    assert (entry.version, before) == ("3", Entry(before.release, "1"))


def test_the_gateways_switch_never_makes_code_live_that_was_taken_back(there):
    deliver(there)
    there.code["app-payment"] = "bad"
    deliver(there)
    release.rollback(stack(there))
    with pytest.raises(WorkshopError, match="not what was deployed last"):
        gateway_switch.switch(stack(there), up=False)
    assert there.live()["app-payment"] == "1"


def test_before_the_first_release_the_switch_works_on_what_is_deployed(there):
    gateway_switch.switch(stack(there), up=False)
    assert set(gateway_switch.state(stack(there)).values()) == {False}
    assert there.live()["app-payment"] == UNPUBLISHED
