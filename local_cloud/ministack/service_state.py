"""The state of MiniStack's services as bytes, and back.

MiniStack can write its state itself (PERSIST_STATE), as JSON: that turns tuples into lists and
number keys into text, and a service that cannot be written is only logged. Here each service's
state keeps its types, and a failure is an error.
"""

# ruff: noqa: SLF001 - MiniStack has no public interface for any of this

import pickle

from ministack import app
from ministack.core.responses import AccountScopedDict
from ministack.services import s3

from local_cloud.ministack.logs import ingestion


def collect() -> bytes:
    """Return the state of every service that was used.

    Raises:
        Exception: whatever a service or the writing raises; there is no snapshot then.
    """
    ingestion.catch_up()
    services = app._build_persistence_save_dict()
    state = {name: get_state() for name, get_state in services.items()}
    objects = {name: each for name, each in vars(s3).items() if isinstance(each, AccountScopedDict)}
    return pickle.dumps((state, objects))


def restore(state: bytes) -> None:
    """Give every service the state that `collect` returned.

    Raises:
        Exception: whatever reading or a service raises; the services are unusable then.
    """
    services, objects = pickle.loads(state)  # noqa: S301 - our own file, in our own folder
    for name, data in services.items():
        app._get_module(app._state_map[name]).load_persisted_state(data)
    for name, store in objects.items():  # S3's own state leaves out the objects and their tags
        getattr(s3, name).update(store)
