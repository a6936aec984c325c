"""Brings the Chroma snapshots to the state of the table."""
