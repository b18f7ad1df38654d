"""What the report `docs/reliability.md` is made from: a record of each suite's last long run."""
