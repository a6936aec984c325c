"""Readers that follow the published version."""
