"""Deterministic simulation: the real code on a simulated outside, driven by one seed."""
