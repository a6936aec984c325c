"""Kills readers while they follow, and starts them again on the same folder."""
