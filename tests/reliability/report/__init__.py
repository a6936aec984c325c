"""`make prove`: all that is tried to break the system, with dated figures for the document."""
