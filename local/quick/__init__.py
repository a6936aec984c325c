"""The quick form of the local AWS: resources made through the APIs, functions run in a process."""
