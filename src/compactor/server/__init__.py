"""A Chroma server, or Chroma Cloud, as the target: records go there, the bucket holds a version."""
