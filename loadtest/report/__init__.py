"""The figures of a run, and the page, plots and tables that show them."""
