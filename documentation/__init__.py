"""Builds the documentation site from the project's pages and docstrings."""
