"""Commands that write receipts in order to try the system."""
