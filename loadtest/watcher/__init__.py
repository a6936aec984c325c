"""The process that times when readers see a change, and its link to the writers."""
