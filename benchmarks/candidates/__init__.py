"""The implementations that are compared, and the environment in which they run."""
