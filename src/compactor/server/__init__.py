"""The target for a Chroma server or Chroma Cloud.

The server holds the records, and the bucket holds a version.
"""
