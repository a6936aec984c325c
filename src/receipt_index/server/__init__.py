"""Collections on a Chroma server."""
