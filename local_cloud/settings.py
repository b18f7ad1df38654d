"""The settings of a local cloud: the process that starts it writes them, the server reads them."""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Settings:
    """One start of one local cloud.

    Attributes:
        directory: The folder of its data, as an absolute path.
        port: The loopback port.
        boot_id: Identifies the contents: new at each start, unless the start restores a snapshot.
        concurrency: The number of executions of one kind (asynchronous, synchronous) at once. Four
            keep two cores busy.
        seconds_per_minute: The real seconds of a minute on AWS. It scales waiting times (retries,
            back-off), not work.
        patience: Seconds without progress after which one more synchronous execution is admitted;
            see `delivery/concurrency_limit.py`.
        journal_size: The number of delivery records.
        grace: Seconds for which a stop waits for running functions.
        restore: Whether to start with the snapshot in the directory.
        drain: Seconds for which a stop that stores the stack waits for queued events and retries.
        bare: Whether MiniStack runs without our patches. The tests use it to show that each patch
            is still needed.
        eventual: Whether it is as eventually consistent as AWS; see `eventual_consistency`.
    """

    directory: str
    port: int
    boot_id: str
    concurrency: int = 4
    seconds_per_minute: float = 1.0
    patience: float = 3.0
    journal_size: int = 20_000
    grace: float = 3.0
    restore: bool = False
    drain: float = 20.0
    bare: bool = False
    eventual: bool = False

    def to_json(self) -> str:
        """Return the settings as one argument of a command line."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Settings":
        """Return the settings of a `to_json`."""
        return cls(**json.loads(text))
