"""A search service over HTTP."""
