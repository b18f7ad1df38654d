"""Tests of incidents without a stack: the choice, the record, and what a start refuses."""

import json
from dataclasses import dataclass, field, replace

import pytest
from typer.testing import CliRunner

from workshop.cli import app
from workshop.commands import incident as command
from workshop.commands import progress as progress_command
from workshop.deployment import stack as stacks
from workshop.deployment import target
from workshop.deployment.local import up
from workshop.deployment.stack import Outputs, Stack
from workshop.deployment.target import Target
from workshop.errors import NoStackError, UsageError, WorkshopError
from workshop.incidents import catalogue, repair, session
from workshop.incidents.checking import Claim
from workshop.incidents.incident import Change, Incident
from workshop.incidents.session import Phase, Record
from workshop.incidents.settings import RulePermission, Setting, StockItem
from workshop.progress import record as progress

NAMES = list(catalogue.titles())
LOCAL = Target.local("mine", "http://127.0.0.1:9")
STACK = Stack(LOCAL, 5, Outputs("http://127.0.0.1:9", "bus", "us-east-1", {}, {}, {}))


@dataclass
class Memory(Setting):
    """A setting that keeps its values; it can fail when it is written."""

    values: list = field(default_factory=lambda: ["good"])
    error: BaseException | None = None

    def read(self, stack):
        return self.values[-1]

    def write(self, stack, value):
        if self.error:
            raise self.error
        self.values.append(value)


@pytest.fixture(autouse=True)
def workshop(monkeypatch, tmp_path):
    """No stack is touched, and all files are in an empty folder."""
    for module in (session, target):
        monkeypatch.setattr(module, "CLOUDS", tmp_path)
    monkeypatch.setattr(progress, "FILE", tmp_path / "progress.json")
    monkeypatch.setattr(command, "current", lambda: STACK)
    monkeypatch.setattr(session.exercise_session, "reminder", lambda: None)
    for module, name, answer in (
        (session, "ensure_no_faults", None),
        (session, "_fill_stock", None),
        (session, "_ensure_orders_ship", None),
        (repair, "dead_letters", []),
        (repair, "recover", None),
    ):
        monkeypatch.setattr(module, name, lambda *_, answer=answer: answer)
    monkeypatch.setattr(session, "_damage_orders", lambda _, __, record: record)
    (tmp_path / "mine").mkdir()
    return tmp_path / "mine"


@pytest.fixture
def incident(monkeypatch):
    """Let every seed mean an incident of these settings."""

    def of(*settings, **values):
        changes = tuple(Change(each, lambda _: "broken", **values) for each in settings)
        found = Incident("one", "It", "is broken.", ("a", "b", "c"), "Because.", (), changes)
        monkeypatch.setattr(catalogue, "of_seed", lambda _: found)
        return found

    return of


def output(*arguments):
    """Return what a command shows that succeeds."""
    done = CliRunner().invoke(app, ["incident", *arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def error(*arguments):
    """Return the error that a command ends with."""
    done = CliRunner().invoke(app, ["incident", *arguments])
    assert isinstance(done.exception, WorkshopError), done.output
    return done.exception


def saved(phase=Phase.OPEN, **values):
    session.save("mine", Record(1, phase, ["good"], **values))


@pytest.mark.parametrize("seed", range(1, len(NAMES) + 1))
def test_a_seed_gives_the_same_incident_with_the_same_details(seed):
    one, other = catalogue.of_seed(seed), catalogue.of_seed(seed)
    shown = [(each.symptom, each.orders, each.hints, each.debrief) for each in (one, other)]
    assert shown[0] == shown[1]
    assert one.name == NAMES[seed - 1]


@pytest.mark.parametrize("seed", [*range(1, 5 * len(NAMES)), catalogue.LARGEST_SEED])
def test_every_seed_has_a_complete_incident(seed):
    found = catalogue.of_seed(seed)
    assert found.title == catalogue.titles()[found.name]
    assert len(found.hints) == 3
    assert found.orders
    assert found.changes
    lines = "\n".join((found.symptom, *found.hints, found.debrief)).splitlines()
    assert max(map(len, lines)) <= 110
    assert not [each for each in lines if "{" in each]


def test_details_differ_between_the_seeds_of_an_incident():
    for place in range(1, len(NAMES) + 1):
        seeds = range(place, 20 * len(NAMES), len(NAMES))
        assert len({str(catalogue.of_seed(seed).orders) for seed in seeds}) > 10


def test_only_an_unsolved_incident_is_chosen():
    for name in NAMES:
        seed = catalogue.choose([each for each in NAMES if each != name])
        assert catalogue.of_seed(seed).name == name
        assert 1 <= seed <= catalogue.LARGEST_SEED


def test_any_incident_is_chosen_when_all_are_solved():
    assert {catalogue.of_seed(catalogue.choose(NAMES)).name for _ in range(300)} == set(NAMES)


def test_a_start_breaks_the_lasting_settings_only(incident):
    lasting, moment = Memory(), Memory()
    found = incident(lasting, moment)
    changes = (found.changes[0], replace(found.changes[1], lasts=False))
    object.__setattr__(found, "changes", changes)
    shown = output("--seed", "4")
    assert "Incident 4: It" in shown
    assert "is broken." in shown
    assert "Because." not in shown
    assert lasting.values == ["good", "broken"]
    assert moment.values == ["good", "broken", "good"]
    assert session.load("mine").phase is Phase.OPEN


def test_values_are_stored_before_the_first_change(incident):
    """A start that is killed leaves what is needed to undo it."""
    first, second = Memory(), Memory(error=KeyboardInterrupt())
    incident(first, second)
    assert CliRunner().invoke(app, ["incident"]).exit_code != 0
    assert first.values == ["good", "broken"]
    record = session.load("mine")
    assert (record.phase, record.before) == (Phase.STARTING, ["good", "good"])
    assert "incident ARGS=give-up" in str(error())
    second.error = None
    assert "repaired" in output("give-up")
    assert first.values == ["good", "broken", "good"]
    assert second.values == ["good"]


def test_next_make_up_runs_terraform_although_only_code_has_changed(incident, workshop):
    """Else it would only deploy the code, and leave the settings broken."""
    stacks.Record("us-east-1", "0", None, "boot", stage=5, applied="hash").save(workshop)
    incident(Memory())
    output()
    assert stacks.Record.load(workshop).applied == ""


@pytest.mark.parametrize("holds", [True, False])
def test_incident_is_solved_when_every_claim_holds(incident, monkeypatch, holds):
    incident(Memory())
    output()
    claims = [Claim(holds=True, text="One."), Claim(holds, "Two.")]
    monkeypatch.setattr(command.checking, "check", lambda *_: claims)
    done = CliRunner().invoke(app, ["incident", "check"])
    assert done.exit_code == (0 if holds else 1)
    assert done.stdout.splitlines()[:2] == ["✓ One.", f"{'✓' if holds else '✗'} Two."]
    assert ("Because." in done.stdout) is holds
    assert progress.load().incidents == (["one"] if holds else [])
    assert session.load("mine").is_active is not holds


def test_a_second_start_shows_the_incident_in_progress(incident):
    setting = Memory()
    incident(setting)
    assert output("--seed", "4") == output() == output("--seed", "4")
    assert setting.values == ["good", "broken"]
    assert "is in progress" in str(error("--seed", "5"))


def test_giving_up_is_not_solving(incident):
    setting = Memory()
    incident(setting)
    output()
    assert "Because." in output("give-up")
    assert setting.values == ["good", "broken", "good"]
    assert progress.load().incidents == []
    assert "Because." in output("debrief")
    assert "No incident is in progress" in str(error("give-up"))


def test_hints_are_shown_one_after_the_other(incident):
    incident(Memory())
    output()
    shown = [output("hint").strip() for _ in range(4)]
    expected = ["Hint 1 of 3: a", "Hint 2 of 3: b", "Hint 3 of 3: c", "Hint 3 of 3: c"]
    assert shown == expected


def test_debrief_is_refused_while_the_incident_is_in_progress(incident):
    incident(Memory())
    output()
    assert isinstance(error("debrief"), UsageError)
    assert "give-up" in str(error("debrief"))


@pytest.mark.parametrize("action", ["check", "hint", "give-up", "debrief"])
def test_an_action_without_an_incident_names_the_command(action):
    assert str(error(action)).endswith("make incident")


@pytest.mark.parametrize("action", ["check", "hint", "give-up", "debrief", "list"])
def test_a_seed_is_only_for_a_start(action):
    assert isinstance(error(action, "--seed", "3"), UsageError)


def test_solved_incidents_are_marked_in_the_list():
    progress.solved_incident(NAMES[1])
    progress.solved_incident(NAMES[1])
    assert [line[0] for line in output("list").splitlines()[: len(NAMES)]] == [
        "✓" if name == NAMES[1] else "·" for name in NAMES
    ]


def test_progress_counts_the_solved_incidents(monkeypatch):
    monkeypatch.setattr(progress_command, "current", lambda: STACK)
    progress.solved_incident(NAMES[1])
    progress.solved_incident("of an older version")
    shown = CliRunner().invoke(app, ["progress"]).stdout
    assert f"Incidents solved: 1 of {len(NAMES)}" in shown


@pytest.mark.parametrize("seed", ["0", "-1", "10000", "x"])
def test_an_impossible_seed_is_a_usage_error(seed):
    assert CliRunner().invoke(app, ["incident", "--seed", seed]).exit_code == 2


def test_a_start_is_refused_without_a_stack(monkeypatch):
    def current():
        raise NoStackError("No stack is up.")

    monkeypatch.setattr(command, "current", current)
    assert isinstance(error(), NoStackError)


def test_a_start_is_refused_on_aws(incident, monkeypatch):
    setting = Memory()
    incident(setting)
    account = Target("aws-1-eu", "eu-central-1", "123456789012", None, own=False)
    monkeypatch.setattr(command, "current", lambda: replace(STACK, target=account))
    for arguments in ([], ["give-up"], ["check"]):
        assert "on AWS" in str(error(*arguments))
    assert setting.values == ["good"]


def test_a_start_is_refused_before_stage_5(incident, monkeypatch):
    setting = Memory()
    incident(setting)
    monkeypatch.setattr(command, "current", lambda: replace(STACK, stage=4))
    assert str(error()).endswith("make up STAGE=5")
    assert setting.values == ["good"]


def test_a_start_is_refused_when_a_function_has_a_buffer(incident, monkeypatch):
    """Its rule sends to the queue, so a broken permission of the function would have no effect."""
    setting = Memory()
    incident(setting)
    outputs = replace(STACK.outputs, buffer_queue_urls={"shipping": "url"})
    monkeypatch.setattr(command, "current", lambda: replace(STACK, outputs=outputs))
    assert str(error()).endswith("one: shipping. Run: WORKSHOP_CLOUD=mine make up STAGE=5")
    assert setting.values == ["good"]


def test_a_start_is_refused_during_an_exercise(incident, monkeypatch):
    setting = Memory()
    incident(setting)
    monkeypatch.setattr(session.exercise_session, "reminder", lambda: "Exercise 03.1 is under way.")
    assert "03.1" in str(error())
    assert setting.values == ["good"]


def test_a_start_is_refused_while_faults_are_injected(incident, monkeypatch):
    setting = Memory()
    incident(setting)

    def refuse(_):
        raise WorkshopError("Faults are injected.")

    monkeypatch.setattr(session, "ensure_no_faults", refuse)
    assert "Faults" in str(error())
    assert setting.values == ["good"]
    assert session.load("mine") is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"seed": 1}', '{"seed": 1, "phase": "x", "before": []}']
)
def test_a_damaged_record_is_no_incident(workshop, text):
    (workshop / session.FILE).write_text(text)
    assert session.load("mine") is None
    assert session.reminder("mine") is None


def test_a_record_is_read_as_it_was_written():
    saved(orders=["ord_1"], dead_letters=["m"], hints=2)
    assert session.load("mine") == Record(1, Phase.OPEN, ["good"], ["ord_1"], ["m"], 2)


@pytest.mark.parametrize("phase", Phase)
def test_only_an_incident_in_progress_has_a_reminder(phase):
    saved(phase)
    assert bool(session.reminder("mine")) is (phase in {Phase.STARTING, Phase.OPEN})


def test_an_incident_ends_with_its_stack(workshop):
    """`make down ARGS=--discard` deletes the record of the stack, and a new stack has none."""
    saved()
    up.delete_record(workshop)
    assert session.load("mine") is None


def test_older_progress_without_incidents_is_kept():
    progress.FILE.write_text(json.dumps({"checks": {}, "exercises": ["01.1"]}))
    assert progress.load().exercises == ["01.1"]
    assert progress.load().incidents == []


def test_a_recreated_permission_has_the_same_effect():
    """Terraform gives the statement another id."""
    statement = {"Action": "lambda:InvokeFunction", "SourceArn": "arn"}
    setting = RulePermission("payment")
    assert setting.same({"one": statement}, {"other": statement})
    assert setting.same({"one": statement, "two": statement}, {"other": statement})
    assert not setting.same({"one": statement}, {})


@pytest.mark.parametrize("value", [{"N": "12.5"}, {"S": "a dozen"}, {"N": "-3"}, {"S": "7"}])
def test_units_are_only_a_whole_number(value):
    setting = StockItem("MOUSE")
    assert setting.same({"N": "7"}, {"N": "0"})
    assert not setting.same({"N": "7"}, value)
