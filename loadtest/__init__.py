"""The load harness. Locust users write receipts and edits, and a watcher times readers."""
