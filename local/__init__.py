"""The local AWS: start it, provision it, deploy both functions to it, stop it.

`python -m local up` is the command; `local.running.running` is the same for tests.
"""
