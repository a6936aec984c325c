"""Turns stream records into change messages: filters, coalesces, packs, sends. Never reads data."""
