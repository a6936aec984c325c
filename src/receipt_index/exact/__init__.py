"""The exact search: derived files over the distinct vectors of a collection."""
