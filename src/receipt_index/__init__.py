"""What a search service and an embedding pipeline install."""
