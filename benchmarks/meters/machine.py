"""Describes the machine of a measurement, and the versions of its packages."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import psutil

_PACKAGES: Final = (
    "receipt-chroma-sync",
    "chromadb",
    "numpy",
    "pydantic",
    "boto3",
    "aws-lambda-powertools",
    "backports.zstd",
    "ministack",
)


def machine_facts() -> dict[str, Any]:
    """Return processor, memory and present load.

    A load above the number of cores means that other programs were running.
    """
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "load": [round(load, 2) for load in os.getloadavg()],
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def versions() -> dict[str, str]:
    """Return the versions of the packages that affect the speed."""
    return {name: version(name) for name in _PACKAGES}


def _processor() -> str:
    """Return the processor's name from Linux, or on other systems from Python."""
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
