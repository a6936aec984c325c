"""Commands that bring a system back: dead letters, snapshots, leases, flags."""
