"""The stream processor turns stream records into change messages.

It filters, coalesces, packs and sends them. It never reads the table.
"""
