"""Shared vocabulary of both functions: keys, fields, values, messages, settings and telemetry.

Every deployment package contains this package. It therefore imports neither chromadb nor numpy.
"""
