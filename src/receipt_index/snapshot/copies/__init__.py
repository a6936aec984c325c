"""Copies of a snapshot in local folders: fetched, changed and published."""
