"""Each AWS call is performed, and its answer is lost. No effect may come twice or late."""
