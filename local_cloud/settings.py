"""What a local cloud is started with: written by the starter, read by the server."""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Settings:
    """One start of one local cloud.

    Attributes:
        directory: where this cloud keeps everything, as an absolute path.
        port: the loopback port it serves on.
        boot_id: identifies the contents: new at each start, but for one that restores a snapshot.
        concurrency: how many executions of one kind (asynchronous, synchronous) run at once.
            Four keep two cores busy without starving them.
        seconds_per_minute: how long one of AWS's minutes lasts here, in real seconds. It scales
            what AWS only waits for (retries, back-off); nothing that takes time by itself.
        patience: after how many seconds without progress one more synchronous execution is let in;
            see `delivery/concurrency_limit.py`.
        journal_size: how many delivery records are kept.
        grace: how long a stop waits for running functions, in seconds.
        restore: whether to start with the snapshot in the directory.
        drain: how long a stop that keeps the stack waits for queued events and retries, in seconds.
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

    def to_json(self) -> str:
        """As one argument of a command line."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Settings":
        """The reverse of `to_json`."""
        return cls(**json.loads(text))
