"""The comparison of the index with the table."""
