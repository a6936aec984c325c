"""Tests of the exact search, with an index in memory."""
