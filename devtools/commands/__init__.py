"""The maintainers' commands, one module per group."""
