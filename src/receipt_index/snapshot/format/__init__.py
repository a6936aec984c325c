"""The format of a snapshot's objects; see docs/snapshot-format.md."""
