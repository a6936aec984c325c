"""The lease: at most one worker publishes a collection."""
