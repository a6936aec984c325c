"""A contract for import-linter: logic reaches no outside system (CONTRIBUTING: Rules of the code).

import-linter's own `forbidden` contract needs the list of all logic modules, so a new module would
not be checked until an engineer lists it. This contract names the exempt modules instead.
"""

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class LogicContract(Contract):
    """Every module of `packages` that is not `exempt` imports no `forbidden` package.

    Indirect imports count. `exempt` holds patterns of module names, such as `compactor.*.sqs_*`. A
    pattern that matches no module breaks the contract, so the list cannot outlive its reasons.
    """

    type_name = "logic"

    packages = fields.SetField(subfield=fields.StringField())
    exempt = fields.SetField(subfield=fields.StringField())
    forbidden = fields.SetField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Return whether the contract holds, with a chain of imports for each violation."""
        packages, exempt, forbidden = _names(self.packages, self.exempt, self.forbidden)
        modules = [m for m in sorted(graph.modules) if m.split(".")[0] in packages]
        logic = [m for m in modules if not any(fnmatchcase(m, one) for one in exempt)]
        unused = [one for one in exempt if not any(fnmatchcase(m, one) for m in modules)]
        chains = list(_chains(graph, logic, [f for f in forbidden if f in graph.modules]))
        output.verbose_print(verbose, f"{len(logic)} of {len(modules)} modules are logic.")
        return ContractCheck(
            kept=not chains and not unused, metadata={"chains": chains, "unused": unused}
        )

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print each chain, and each pattern that matches nothing."""
        for chain in check.metadata["chains"]:
            output.print_error(" -> ".join(chain))
        for pattern in check.metadata["unused"]:
            output.print_error(f"the exempt pattern {pattern} matches no module: remove it")


def _names(*options: Any) -> list[list[str]]:
    return [sorted(option) for option in options]


def _chains(
    graph: ImportGraph, logic: Iterable[str], forbidden: Iterable[str]
) -> Iterator[tuple[str, ...]]:
    """Yield the shortest chain from each logic module to each forbidden package that it reaches."""
    forbidden = list(forbidden)
    for module in logic:
        for package in forbidden:
            chain = graph.find_shortest_chain(importer=module, imported=package)
            if chain is not None:
                yield chain
