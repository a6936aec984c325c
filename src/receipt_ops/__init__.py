"""The `receipt-sync` command line: commands for operators, and the logic behind them."""
