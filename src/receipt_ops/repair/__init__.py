"""Repairs of what a verification found, and the backfill of a whole table."""
