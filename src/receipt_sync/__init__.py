"""The vocabulary that both functions share: keys, fields, values, messages, settings, telemetry.

Carried by every package, so it imports neither chromadb nor numpy.
"""
