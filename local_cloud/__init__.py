"""MiniStack as a local cloud with AWS's delivery semantics. The README says how it is built."""
