"""What readers must see, computed without the product's projection, closure or verification.

The campaigns on real processes (kills, outages, soak) judge by it. The rules of a record's metadata
are those of tests/simulation/model.py.
"""
