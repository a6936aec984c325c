"""Programs that use a deployment: a search service, and two embedding pipelines."""
