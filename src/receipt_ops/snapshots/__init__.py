"""Snapshots of a collection: their history, restores, and the removal of unused objects."""
