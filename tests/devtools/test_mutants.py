"""Mutation testing: its configuration fits the code, and survivors are compared with the list."""

import json

import pytest
from typer.testing import CliRunner

from devtools.cli import app
from devtools.reliability import mutants, record
from devtools.reliability.mutants import Change, Configuration, Outcome, Suite
from workshop.paths import ROOT, in_stages

CONFIGURATION = mutants.read()
MODULES = [module for suite in CONFIGURATION.suites for module in suite.modules]

SURVIVOR = Change("orderflow.step", "run_step", "a = 1", "a = None")
OTHER = Change("orderflow.step", "receive", "b = 1", "b = None")
SUITE = Suite("step", ("orderflow.step",), ())
REPORT = {"title": "Mutants", "what": ["What it does."], "found": [], "not_covered": []}


def test_every_service_is_mutated():
    services = {*in_stages("*_service/service.py"), *in_stages("recovery/*/service.py")}
    assert services <= {mutants.source(module) for module in MODULES}


@pytest.mark.parametrize("suite", CONFIGURATION.suites, ids=lambda suite: suite.name)
def test_suite_names_modules_and_tests_that_exist(suite):
    assert all(mutants.source(module).is_file() for module in suite.modules)
    files = [each for each in suite.tests if not each.startswith("--")]
    assert files
    assert all((ROOT / each).is_file() for each in files)


@pytest.mark.parametrize("mutation", CONFIGURATION.justified, ids=lambda each: each.becomes)
def test_justified_mutant_changes_code_that_exists_and_says_why(mutation):
    code = " ".join(mutants.source(mutation.module).read_text("utf-8").split())
    assert " ".join(mutation.was.split()) in code
    assert CONFIGURATION.justified[mutation]


@pytest.fixture
def make_mutants(monkeypatch, tmp_path):
    """Run `make mutants` with these survivors and these justified mutants."""

    def run(survivors, justified, *arguments):
        configuration = Configuration((SUITE,), (), dict.fromkeys(justified, "why"), REPORT)
        outcome = Outcome("orderflow.step", 10, tuple(survivors))
        monkeypatch.setattr(mutants, "read", lambda: configuration)
        monkeypatch.setattr(mutants, "run", lambda *_: [outcome])
        monkeypatch.setattr(record, "RECORDS", tmp_path)
        return CliRunner().invoke(app, ["mutants", *arguments])

    return run


def test_new_survivor_fails_the_command_and_is_shown(make_mutants):
    done = make_mutants([SURVIVOR, OTHER], [OTHER])
    assert done.exit_code == 1
    assert SURVIVOR.was in done.stderr
    assert OTHER.was not in done.stderr


def test_justified_survivor_passes(make_mutants):
    done = make_mutants([SURVIVOR], [SURVIVOR])
    assert done.exit_code == 0
    assert done.stdout.split()[-5:] == ["orderflow.step", "10", "9", "1", "90.0%"]


def test_entry_that_is_no_longer_needed_is_named(make_mutants):
    done = make_mutants([], [SURVIVOR])
    assert done.exit_code == 0
    assert SURVIVOR.was in done.stderr


def test_entry_of_a_module_that_was_not_tested_is_kept(make_mutants):
    elsewhere = Change("orderflow.publisher", "publish", "c = 1", "c = None")
    assert elsewhere.was not in make_mutants([], [elsewhere]).stderr


def test_record_has_the_figures_of_all_modules(make_mutants, tmp_path):
    assert make_mutants([SURVIVOR], [SURVIVOR], "--record").exit_code == 0
    saved = json.loads((tmp_path / "mutants.json").read_text("utf-8"))
    assert saved["figures"] == [
        {"name": "mutants", "value": 10},
        {"name": "killed", "value": 9},
        {"name": "survivors, each justified", "value": 1},
        {"name": "orderflow.step: killed", "value": "9 of 10"},
    ]
    assert saved["title"] == "Mutants"


def test_record_keeps_the_figures_of_modules_that_were_not_tested(make_mutants, tmp_path):
    make_mutants([SURVIVOR], [SURVIVOR], "--record")
    text = (tmp_path / "mutants.json").read_text("utf-8")
    (tmp_path / "mutants.json").write_text(text.replace("orderflow.step", "orderflow.event"))
    make_mutants([], [], "--record")
    figures = json.loads((tmp_path / "mutants.json").read_text("utf-8"))["figures"]
    assert {each["name"]: each["value"] for each in figures} == {
        "mutants": 20,
        "killed": 19,
        "survivors, each justified": 1,
        "orderflow.event: killed": "9 of 10",
        "orderflow.step: killed": "10 of 10",
    }


def test_unknown_suite_is_refused(make_mutants):
    assert make_mutants([], [], "nothing").exit_code != 0


DIFFERENCE = """# orderflow.publisher.xǁPublisherǁpublish__mutmut_3: survived
--- orderflow/publisher.py
+++ orderflow/publisher.py
@@ -1,3 +1,3 @@
 def publish(self, event):
-    contract.validate(
-        event)
+    contract.validate(None)
"""


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("orderflow.publisher.xǁPublisherǁpublish__mutmut_3", "Publisher.publish"),
        ("orderflow.publisher.xǁPublisherǁ_put__mutmut_3", "Publisher._put"),
        ("orderflow.publisher.x__log__mutmut_12", "_log"),
    ],
)
def test_mutation_is_the_changed_lines_of_a_function(name, function):
    expected = Change(
        "orderflow.publisher", function, "contract.validate( event)", "contract.validate(None)"
    )
    assert mutants.change(name, DIFFERENCE) == expected


DECORATED = """
@cache
def once():
    return 1


class Event:
    @property
    def step(self):
        return 2

    @staticmethod
    def other():
        return 3
"""

UNDECORATED = """
def once():
    return 1


class Event:
    def step(self):
        return 2
    step = property(step)

    @staticmethod
    def other():
        return 3
"""


def test_decorated_functions_are_decorated_after_their_definition():
    assert mutants.undecorated(DECORATED) == UNDECORATED
