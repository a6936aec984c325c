"""The writes of the users: what they are, when they are due, and what must follow."""
