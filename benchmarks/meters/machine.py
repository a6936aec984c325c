"""What a result was measured on."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import psutil  # type: ignore[import-untyped]

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
    """Processor, memory and load at this moment. Load above the cores: others were at work."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "load": [round(load, 2) for load in os.getloadavg()],
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def versions() -> dict[str, str]:
    """Of the packages whose speed shows."""
    return {name: version(name) for name in _PACKAGES}


def _processor() -> str:
    """As Linux names it; elsewhere what Python knows."""
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
