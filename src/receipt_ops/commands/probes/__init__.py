"""Commands that send test receipts through a deployment and measure it."""
