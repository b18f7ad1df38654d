"""The functions' interpreters that run at this moment."""

# ruff: noqa: SLF001 - MiniStack keeps them to itself

from ministack.core import lambda_runtime


def process_ids() -> list[int]:
    """Their process ids."""
    with lambda_runtime._lock:
        workers = [worker for pool in lambda_runtime._workers.values() for worker in pool]
    processes = [worker._proc for worker in workers]
    return [process.pid for process in processes if process and process.poll() is None]
