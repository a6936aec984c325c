"""The compactor's memory and disk in the template, and the memory limit of a process.

The limit is RLIMIT_DATA and not RLIMIT_AS. Chroma maps far more addresses than it touches, such as
files and reserved arenas, and they cost a Lambda function nothing. RLIMIT_DATA counts private
writable memory: heap, anonymous mappings and thread stacks. It counts memory before it is touched,
so it is stricter than Lambda. It needs no root, unlike a cgroup. The peak of resident memory, with
mapped files, is compared with the limit too.
"""

import re
import resource
from pathlib import Path
from typing import Final

from local.state import PROJECT

MIB: Final = 2**20


def of_template(parameter: str) -> int:
    """Return the default of a parameter of template.yaml in bytes. The template has it in MiB."""
    template = (PROJECT / "template.yaml").read_text()
    found = re.search(
        rf"^  {parameter}:\n(?:    .*\n)*?    Default: (\d+)$", template, re.MULTILINE
    )
    if found is None:
        raise ValueError(f"template.yaml has no number as the default of {parameter}")
    return int(found[1]) * MIB


def limit_memory(size: int) -> None:
    """Limit the private memory of this process to `size` bytes."""
    resource.setrlimit(resource.RLIMIT_DATA, (size, size))


def peak() -> int:
    """Return the peak of the resident memory of this process in bytes."""
    return _status("VmHWM")


def resident() -> int:
    """Return the resident memory of this process in bytes."""
    return _status("VmRSS")


def forget_peak() -> None:
    """Measure the peak from now on (proc(5), clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5")


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))
