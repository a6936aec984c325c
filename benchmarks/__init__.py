"""What `make bench` runs: each benchmark holds ours against the limit and the naive way.

`python -m benchmarks --help` lists them. Results lie in build/bench/<name>.json.
"""
