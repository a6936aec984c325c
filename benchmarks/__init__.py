"""The benchmarks of `make bench`. Each compares this project's code with two other candidates.

The candidates are `ours`, the `limit` (the least work that any solution must do) and the `naive`
way. `python -m benchmarks --help` lists the benchmarks. Results are in build/bench/<name>.json.
"""
