"""Commands that load, search, create and modify receipts."""
