"""One cycle of one collection: what changed, what the table says, what the index gets."""
