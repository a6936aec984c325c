"""Entry point of `python -m operations`, the same as `receipt-sync`."""

from operations.start import main

if __name__ == "__main__":
    main()
