"""One batch of queue messages: read, sliced, bisected, parked, acknowledged or returned."""
