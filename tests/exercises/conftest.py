"""A copy of the repository in which exercises are started and solved."""

import pytest

from devtools.documents.running import working_copy
from workshop.exercises import session
from workshop.exercises.catalogue import find


@pytest.fixture(scope="session")
def shared_copy(tmp_path_factory):
    """A copy of the working copy, as a repository of its own; made once for each worker."""
    return working_copy.make(tmp_path_factory.mktemp("exercises") / "orders [é]")


@pytest.fixture(scope="module")
def copy(shared_copy):
    """The copy; what a module leaves under way is reset after it."""
    yield shared_copy
    if number := session.under_way(shared_copy):
        session.reset(find(number), root=shared_copy)
