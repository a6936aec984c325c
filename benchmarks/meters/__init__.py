"""Input data for the benchmarks, and the instruments that measure time, calls and cost."""
