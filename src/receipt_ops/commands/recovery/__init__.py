"""Commands that recover a deployment: dead letters, snapshots, leases, flags."""
