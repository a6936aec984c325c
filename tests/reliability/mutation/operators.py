"""The operators that make mutants: those of cosmic-ray that fit this code, and three more.

The module runs in the environment of the tools, because only that environment has cosmic-ray.
"""

from collections.abc import Iterator
from typing import Any, Final

import parso
from cosmic_ray.operators.provider import OperatorProvider

Position = tuple[tuple[int, int], tuple[int, int]]
"""The line and column at which a change begins and ends. Lines count from 1."""

OF_THE_TOOL: Final = (
    "AddNot",
    "NumberReplacer",
    "RemoveDecorator",
    "ReplaceAndWithOr",
    "ReplaceBinaryOperator_Add_Sub",
    "ReplaceBinaryOperator_FloorDiv_Mul",
    "ReplaceBinaryOperator_LShift_RShift",
    "ReplaceBinaryOperator_Mod_Mul",
    "ReplaceBinaryOperator_Mul_Add",
    "ReplaceBinaryOperator_Pow_Mul",
    "ReplaceBinaryOperator_RShift_LShift",
    "ReplaceBinaryOperator_Sub_Add",
    "ReplaceBreakWithContinue",
    "ReplaceComparisonOperator_Eq_NotEq",
    "ReplaceComparisonOperator_GtE_Gt",
    "ReplaceComparisonOperator_GtE_Lt",
    "ReplaceComparisonOperator_Gt_GtE",
    "ReplaceComparisonOperator_Gt_LtE",
    "ReplaceComparisonOperator_IsNot_Is",
    "ReplaceComparisonOperator_Is_IsNot",
    "ReplaceComparisonOperator_LtE_Gt",
    "ReplaceComparisonOperator_LtE_Lt",
    "ReplaceComparisonOperator_Lt_GtE",
    "ReplaceComparisonOperator_Lt_LtE",
    "ReplaceComparisonOperator_NotEq_Eq",
    "ReplaceContinueWithBreak",
    "ReplaceFalseWithTrue",
    "ReplaceOrWithAnd",
    "ReplaceTrueWithFalse",
    "ReplaceUnaryOperator_Delete_Not",
    "ReplaceUnaryOperator_USub_UAdd",
    "ZeroIterationForLoop",
)
"""One or two replacements for each kind of expression. The tool has ten for each binary operator.

`|` is left out, because it joins types here. `/` is left out, because it joins paths. The tool's
operator for `except` fails on a name with a dot.
"""


class DropOperand:
    """Leaves one operand of `and` or `or` out."""

    def mutation_positions(self, node: Any) -> Iterator[Position]:
        if node.type in ("and_test", "or_test"):
            for operand in node.children[::2]:
                yield operand.start_pos, operand.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        first = max(2 * index - 1, 0)
        del node.children[first : first + 2]
        return node.children[0] if len(node.children) == 1 else node


class DeleteCall:
    """Replaces a statement that is a call with `pass`."""

    def mutation_positions(self, node: Any) -> Iterator[Position]:
        if node.type == "simple_stmt" and _is_call(node.children[0]):
            yield node.children[0].start_pos, node.children[0].end_pos

    def mutate(self, node: Any, index: int) -> Any:
        first = node.get_first_leaf()
        node.children[0] = parso.python.tree.Keyword("pass", first.start_pos, first.prefix)
        return node


class OtherError:
    """Lets an `except` wait for an error that does not occur."""

    def mutation_positions(self, node: Any) -> Iterator[Position]:
        if node.type == "except_clause":
            yield node.children[1].start_pos, node.children[1].end_pos

    def mutate(self, node: Any, index: int) -> Any:
        begin = node.children[1].start_pos
        node.children[1] = parso.python.tree.Name("ZeroDivisionError", begin, " ")
        return node


def _is_call(node: Any) -> bool:
    if node.type not in ("atom_expr", "power") or node.children[-1].type != "trailer":
        return False
    return bool(node.children[-1].children[0].value == "(")


def operators() -> dict[str, Any]:
    """Return the operators by their names."""
    tool = OperatorProvider()
    return {
        **{name: tool[name]() for name in OF_THE_TOOL},
        "DropOperand": DropOperand(),
        "DeleteCall": DeleteCall(),
        "OtherError": OtherError(),
    }
