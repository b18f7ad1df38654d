"""The local cloud: MiniStack as a process of its own, started, stopped, looked at and troubled."""
