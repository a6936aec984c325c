"""The local AWS: starts it, provisions it, deploys both functions to it, and stops it.

The command is `python -m local up`. Tests use `local.running.running` for the same.
"""
