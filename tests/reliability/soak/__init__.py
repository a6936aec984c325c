"""Load for a long time, and a long queue: memory stays flat, the disk bounded, nothing is lost."""
