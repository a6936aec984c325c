"""`make prove`: runs all campaigns against the system, and writes dated figures into a document."""
