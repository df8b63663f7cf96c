"""How the simulator's modules stand on one another."""

import ast
from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter
from pathlib import Path

import simulator

FOLDER = Path(simulator.__file__).parent
MODULES = {".".join(path.relative_to(FOLDER.parent).with_suffix("").parts).removesuffix(".__init__"): path for path in FOLDER.rglob("*.py")}


def imported(tree: ast.AST) -> Iterator[str]:
    """The simulator's modules that some code imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for name in node.names:
                whole = f"{node.module}.{name.name}"
                yield whole if whole in MODULES else node.module
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


def imports() -> Mapping[str, set[str]]:
    return {module: {name for name in imported(ast.parse(path.read_text())) if name in MODULES} for module, path in MODULES.items()}


def test_imports_run_one_way() -> None:
    TopologicalSorter(imports()).prepare()  # raises CycleError
    assert len(MODULES) > 20


def test_no_module_is_imported_for_type_checkers_alone() -> None:
    hidden = {
        name
        for path in MODULES.values()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for name in imported(node)
    }
    assert hidden.isdisjoint(MODULES)


def test_what_services_share_knows_none_of_them() -> None:
    shared = {module: names for module, names in imports().items() if module.count(".") == 1 and (FOLDER / f"{module[10:]}.py").exists()}
    assert "simulator.messages" in shared
    assert all(name.count(".") == 1 for names in shared.values() for name in names)
