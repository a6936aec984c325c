"""Entry point of `python -m receipt_ops`, the same as `receipt-sync`."""

from receipt_ops.start import main

if __name__ == "__main__":
    main()
