"""Load for a long time, and a long queue. Memory and disk stay bounded, and nothing is lost."""
