"""Entry point of `python -m deployment_package`."""

from deployment_package.cli import main

if __name__ == "__main__":
    main()
