"""Receipts from files into the table and their vectors into the bucket."""
