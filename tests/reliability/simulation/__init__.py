"""Deterministic simulation: runs the real code against a simulated environment, from one seed."""
