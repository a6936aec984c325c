"""`make invoke`: every sample event through `sam local invoke`."""
