"""Write the tables of parameters of two pages from template.yaml and from Terraform's files.

    .venv/bin/python -m tests.infra.parameter_tables

The pages are docs/deployment/settings.md and terraform/README.md. The rest of a page is kept.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import hcl2

from local.state import PROJECT
from tests.infra.serverless.settings_parameters import PARAMETERS

SETTINGS: Final = PROJECT / "docs/deployment/settings.md"
TERRAFORM: Final = PROJECT / "terraform/README.md"
_ROW: Final = re.compile(r"\| `(\w+)` \|.*\n")
_OPTIONAL: Final = re.compile(r'"?(\w+)"?\s*[=:]\s*"?(?:\$\{)?optional\(number,\s*([\d.]+)\)')


def settings_page(page: str, parameters: Mapping[str, Mapping[str, Any]] = PARAMETERS) -> str:
    """Return the page with a row for each parameter that a deployment sets.

    A parameter that the page does not have yet follows the one before it in the template.
    """
    known = _ROW.findall(page)
    rows: dict[str, list[str]] = {}
    place = known[0]
    for name, parameter in parameters.items():
        if parameter["Type"].startswith("AWS::SSM"):
            continue
        place = name if name in known else place
        rows.setdefault(place, []).append(_parameter_row(name, parameter))
    return _ROW.sub(lambda row: "".join(rows.get(row[1], [])), page)


def terraform_page(page: str, folder: Path = PROJECT / "terraform") -> str:
    """Return the page with the tables of Terraform's variables and outputs."""
    variables = (
        _row(name, one["description"], _default_of_variable(one))
        for name, one in _declared(folder, "variable")
    )
    outputs = (_row(name, one["description"]) for name, one in _declared(folder, "output"))
    page = _with_table(page, "variable", variables)
    return _with_table(page, "output", outputs)


def _parameter_row(name: str, parameter: Mapping[str, Any]) -> str:
    default = str(parameter.get("Default", ""))
    return _row(name, default, described_range(parameter), parameter["Description"])


def described_range(parameter: Mapping[str, Any]) -> str:
    """Return a parameter's range as the page writes it."""
    if "AllowedValues" in parameter:
        return ", ".join(parameter["AllowedValues"])
    if "MaxValue" in parameter:
        return f"{parameter['MinValue']:,} to {parameter['MaxValue']:,}"
    return f"at least {parameter['MinValue']:,}" if "MinValue" in parameter else ""


def _declared(folder: Path, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the blocks of a kind in the order of their names, without the quotes of hcl2."""
    blocks = {
        name.strip('"'): {**block, "description": block["description"].strip('"')}
        for path in folder.glob("*.tf")
        for entry in hcl2.loads(path.read_text()).get(kind, [])
        for name, block in entry.items()
    }
    yield from sorted(blocks.items())


def _default_of_variable(variable: Mapping[str, Any]) -> str:
    """Return a default as JSON. That of an object holds the defaults of its attributes."""
    if "default" not in variable:
        return ""
    default = variable["default"]
    if default == {}:
        found = _OPTIONAL.findall(str(variable["type"]))
        default = {name: json.loads(number) for name, number in sorted(found)}
    return f"`{json.dumps(default)}`"


def _row(name: str, *cells: str) -> str:
    return f"| `{name}` |" + "".join(f" {cell} |" if cell else " |" for cell in cells) + "\n"


def _with_table(page: str, kind: str, rows: Iterable[str]) -> str:
    table = re.compile(rf"(\| {kind} \| what \|.*\n\|---.*\n)(?:\|.*\n)*")
    text = "".join(rows)
    return table.sub(lambda found: found[1] + text, page, count=1)


if __name__ == "__main__":
    SETTINGS.write_text(settings_page(SETTINGS.read_text()))
    TERRAFORM.write_text(terraform_page(TERRAFORM.read_text()))
