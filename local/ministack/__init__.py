"""MiniStack, which answers the AWS APIs: its process, its server and its health."""
