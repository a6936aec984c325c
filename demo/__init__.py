"""The demonstration that `make demo` runs: the whole system on the local AWS."""
