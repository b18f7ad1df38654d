"""A plan that is kept for another command, or another machine."""

import json
from dataclasses import replace

import pytest

from workshop.deployment.aws import saved_plan
from workshop.deployment.aws.saved_plan import Planned
from workshop.deployment.target import Target
from workshop.errors import WorkshopError

HERE = Target("x", "eu-west-1", "1", None, own=False)


@pytest.fixture(autouse=True)
def kept(monkeypatch, tmp_path):
    """A kept plan, and the bundles it is for."""
    monkeypatch.setattr(saved_plan, "PIPELINE", tmp_path / "pipeline")
    bundle = tmp_path / "payment_service.zip"
    bundle.write_bytes(b"code")
    monkeypatch.setattr(saved_plan, "bundle_files", lambda: [bundle])
    plan = tmp_path / "plan"
    plan.write_bytes(b"plan")
    facts = Planned(
        *("1", "eu-west-1", None, "orderflow", 6, "abc", saved_plan.fingerprint(plan)),
        saved_plan.bundle_hashes(),
    )
    saved_plan.save(facts, plan, "report")
    return facts


def test_a_kept_plan_comes_back(kept):
    assert saved_plan.load() == kept
    saved_plan.ensure_matches(kept, HERE, "orderflow")


@pytest.mark.parametrize("name", ["plan.json", "plan.tfplan"])
def test_half_a_plan_is_none(name):
    (saved_plan.PIPELINE / name).unlink()
    with pytest.raises(WorkshopError, match="There is no plan to carry out"):
        saved_plan.load()


def test_a_forgotten_plan_is_none():
    saved_plan.discard()
    assert list(saved_plan.PIPELINE.iterdir()) == []
    with pytest.raises(WorkshopError, match="no plan"):
        saved_plan.load()


def test_facts_of_one_plan_and_terraforms_of_another_are_refused():
    saved_plan.plan_file().write_bytes(b"another")
    with pytest.raises(WorkshopError, match="do not belong together"):
        saved_plan.load()


def test_what_people_did_not_write_is_no_plan():
    (saved_plan.PIPELINE / "plan.json").write_text(json.dumps({"unknown": 1}))
    with pytest.raises(WorkshopError, match="no plan"):
        saved_plan.load()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"account": "2"}, "for account 2, and this is account 1"),
        ({"region": "us-east-1"}, "for region us-east-1, and this is region eu-west-1"),
        ({"prefix": "other"}, "for prefix other, and this is prefix orderflow"),
        ({"endpoint_url": "http://127.0.0.1:1"}, "for address http://127.0.0.1:1, .* address AWS"),
        ({"bundles": {"payment_service": "x"}}, "not those that were planned: payment_service"),
        ({"bundles": {"gone": "x"}}, "not those that were planned: gone"),
    ],
)
def test_a_plan_for_something_else_is_refused(kept, change, message):
    with pytest.raises(WorkshopError, match=message):
        saved_plan.ensure_matches(replace(kept, **change), HERE, "orderflow")
