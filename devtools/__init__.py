"""The maintainers' tools: ``python -m devtools``."""
