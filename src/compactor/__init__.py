"""The compactor, which brings the Chroma snapshots to the state of the table."""
