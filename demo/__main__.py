"""Runs the demonstration: `python -m demo`."""

import typer

from demo.run import demo

if __name__ == "__main__":
    typer.run(demo)
