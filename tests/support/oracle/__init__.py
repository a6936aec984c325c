"""The oracle for readers.

It does not use the projection, closure or verification of the product.The campaigns on real
processes use it (kills, outages, soak). The rules for a record's metadata are those of
tests/reliability/simulation/checks/model.py.
"""
