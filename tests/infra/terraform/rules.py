"""The rules of tflint's Terraform ruleset, for a machine that has none of its binaries.

Source: https://github.com/terraform-linters/tflint-ruleset-terraform/tree/main/docs/rules (the
recommended preset, and terraform_naming_convention and the documented and typed ones of "all").
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import hcl2

Rule = Callable[["Module"], Iterator[str]]

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_LONE_INTERPOLATION: Final = re.compile(r'=\s*"\$\{[^{}"]*\}"\s*$', re.MULTILINE)
_TEXT: Final = re.compile(r'"(?:[^"\\]|\\.)*"')


class Module:
    """The .tf files of one folder, as text and parsed."""

    def __init__(self, folder: Path) -> None:
        files = sorted(folder.glob("*.tf"))
        self.text = {file.name: file.read_text() for file in files}
        self._parsed = [hcl2.loads(text) for text in self.text.values()]

    def blocks(self, kind: str, labels: int) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
        """Yield every block of a kind with its labels, without quotes."""
        for parsed in self._parsed:
            for block in parsed.get(kind, []):
                yield from _unlabelled(block, labels)

    def mentions(self, reference: str) -> bool:
        """Return whether something refers to `reference`, such as var.environment."""
        found = re.compile(rf"(?<![\w.]){re.escape(reference)}\b")
        return any(found.search(text) for text in self.text.values())


def _unlabelled(
    block: dict[str, Any], labels: int, found: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    if labels == 0:
        yield found, block
        return
    for label, inner in block.items():
        if not label.startswith("__"):
            yield from _unlabelled(inner, labels - 1, (*found, label.strip('"')))


def typed_variables(module: Module) -> Iterator[str]:
    for (name,), body in module.blocks("variable", 1):
        if "type" not in body:
            yield f"variable {name} has no type"


def documented(module: Module) -> Iterator[str]:
    for kind in ("variable", "output"):
        for (name,), body in module.blocks(kind, 1):
            if not body.get("description", "").strip('" '):
                yield f"{kind} {name} has no description"


def used_declarations(module: Module) -> Iterator[str]:
    declared = [f"var.{name}" for (name,), _ in module.blocks("variable", 1)]
    declared += [f"data.{kind}.{name}" for (kind, name), _ in module.blocks("data", 2)]
    for _, body in module.blocks("locals", 0):
        declared += [f"local.{name}" for name in body if not name.startswith("__")]
    for reference in declared:
        if not module.mentions(reference):
            yield f"{reference} is declared and never used"


def naming_convention(module: Module) -> Iterator[str]:
    for kind, labels in {"resource": 2, "data": 2, "variable": 1, "output": 1}.items():
        for (*_, name), _ in module.blocks(kind, labels):
            if not _NAME.fullmatch(name):
                yield f"{kind} {name} is not in snake case"


def required_versions(module: Module) -> Iterator[str]:
    settings = [body for _, body in module.blocks("terraform", 0)]
    if not any("required_version" in body for body in settings):
        yield "no required_version"
    providers = {
        name: source
        for body in settings
        for block in body.get("required_providers", [])
        for name, source in block.items()
        if not name.startswith("__")
    }
    for (kind, _), _ in module.blocks("resource", 2):
        if kind.split("_")[0] not in providers:
            yield f"the provider of {kind} is not required"
    for name, source in providers.items():
        if "version" not in source or "source" not in source:
            yield f"provider {name} lacks its source or version"


def comment_syntax(module: Module) -> Iterator[str]:
    for name, text in module.text.items():
        for number, line in enumerate(text.splitlines(), 1):
            if "//" in _TEXT.sub("", line).split("#")[0]:
                yield f"{name}:{number} has a comment that does not begin with #"


def standard_module_structure(module: Module) -> Iterator[str]:
    for name, text in module.text.items():
        if name != "variables.tf":
            for variable in re.findall(r'^variable "(\w+)"', text, re.MULTILINE):
                yield f"variable {variable} is declared in {name}, and not in variables.tf"


def no_deprecated_interpolation(module: Module) -> Iterator[str]:
    for name, text in module.text.items():
        for found in _LONE_INTERPOLATION.finditer(text):
            yield f"{name}:{text.count(chr(10), 0, found.start()) + 1} interpolates one expression"


RULES: Final[tuple[Rule, ...]] = (
    typed_variables,
    documented,
    used_declarations,
    naming_convention,
    required_versions,
    comment_syntax,
    standard_module_structure,
    no_deprecated_interpolation,
)
