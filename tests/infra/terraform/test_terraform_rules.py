"""terraform/ keeps tflint's rules, and each rule finds the fault for which it exists."""

from pathlib import Path

import pytest

from tests.infra.terraform.rules import (
    RULES,
    Module,
    Rule,
    comment_syntax,
    documented,
    naming_convention,
    no_deprecated_interpolation,
    required_versions,
    standard_module_structure,
    typed_variables,
    used_declarations,
)

TERRAFORM = Path(__file__).parents[3] / "terraform"
BROKEN: dict[Rule, str] = {
    typed_variables: 'variable "a" {\n  description = "x"\n}\n',
    documented: 'output "a" {\n  value = 1\n}\n',
    used_declarations: "locals {\n  nobody = 1\n}\n",
    naming_convention: 'resource "aws_sqs_queue" "myQueue" {\n  name = "q"\n}\n',
    required_versions: 'resource "aws_sqs_queue" "q" {\n  name = "q"\n}\n',
    comment_syntax: 'locals {\n  a = "http://x" // y\n}\n',
    standard_module_structure: 'variable "a" {\n  type = string\n}\n',
    no_deprecated_interpolation: 'locals {\n  a = "${local.a}"\n}\n',
}


def named(rule: Rule) -> str:
    return rule.__name__


@pytest.mark.parametrize("rule", RULES, ids=named)
def test_terraform_keeps_the_rule(rule: Rule) -> None:
    assert list(rule(Module(TERRAFORM))) == []


@pytest.mark.parametrize("rule", RULES, ids=named)
def test_a_breach_is_seen(rule: Rule, tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(BROKEN[rule])
    assert list(rule(Module(tmp_path)))
