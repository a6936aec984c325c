"""The benchmarks. Each module runs one of them and returns its report."""
