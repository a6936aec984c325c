"""Readers are killed while they follow, and started again on the same folder."""
