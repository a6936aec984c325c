"""The bucket: its protocol, its adapter, and what becomes of objects that are no longer needed."""
