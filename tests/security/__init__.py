"""Packages and files hold no secret and no receipt, and the system does not trust its input."""
