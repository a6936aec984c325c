"""The target for a Chroma server or Chroma Cloud.

The server holds the records. The bucket holds the manifest, which names the version.
"""
