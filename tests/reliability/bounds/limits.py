"""How much memory and disk the template gives the compactor, and how a process is held to it.

Memory is limited by RLIMIT_DATA and not by RLIMIT_AS: Chroma maps far more addresses than it ever
touches (files, reserved arenas), which cost a Lambda function nothing. RLIMIT_DATA counts what a
process may write to in private: heap, anonymous mappings, thread stacks. It counts them before they
are touched, so it is stricter than Lambda, and it needs no root, as a cgroup would. The peak of
resident memory, which holds mapped files as well, is compared with the limit besides.
"""

import re
import resource
from pathlib import Path
from typing import Final

from local.state import PROJECT

MIB: Final = 2**20


def of_template(parameter: str) -> int:
    """Bytes of the default of one of template.yaml's parameters in MiB."""
    template = (PROJECT / "template.yaml").read_text()
    found = re.search(
        rf"^  {parameter}:\n(?:    .*\n)*?    Default: (\d+)$", template, re.MULTILINE
    )
    if found is None:
        raise ValueError(f"template.yaml has no number as the default of {parameter}")
    return int(found[1]) * MIB


def limit_memory(size: int) -> None:
    """Let this process have no more than `size` bytes of its own."""
    resource.setrlimit(resource.RLIMIT_DATA, (size, size))


def peak() -> int:
    """Bytes of resident memory that this process has had at most."""
    return _status("VmHWM")


def resident() -> int:
    """Bytes of resident memory that this process has."""
    return _status("VmRSS")


def forget_peak() -> None:
    """Measure the peak from now on (proc(5), clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5")


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))
