"""Probes of a deployed system with test receipts: smoke test, latency and stress test."""
