"""The monthly cost of the system: counts of its work, prices, and the estimate from both."""
