"""Tables, result files, targets, the plot and the performance page."""
