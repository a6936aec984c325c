"""The commands of `receipt-sync`: their options, and what they print."""
