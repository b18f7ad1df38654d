"""Moved aliases are waited for where they lead to the new version late."""

from types import SimpleNamespace

import pytest

from workshop.deployment.release import propagation


@pytest.mark.parametrize(
    ("own", "eventual", "slept"), [(True, False, 0), (True, True, 1), (False, None, 1)]
)
def test_only_an_eventually_consistent_cloud_is_waited_for(monkeypatch, own, eventual, slept):
    sleeps = []
    monkeypatch.setattr(propagation.time, "sleep", sleeps.append)
    control = SimpleNamespace(eventually_consistent=lambda: eventual)
    monkeypatch.setattr(propagation, "Control", lambda _: control)
    target = SimpleNamespace(own=own, endpoint_url="http://127.0.0.1:9")
    propagation.wait(SimpleNamespace(target=target))
    assert sleeps == [propagation.SECONDS] * slept
