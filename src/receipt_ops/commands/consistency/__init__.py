"""Commands that compare the index with the table, and repair it."""
