"""The import rules of the design: who may know whom, and what a command must not load."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "runner"

LEVELS = (
    {"types", "trace"},
    {"linux", "tar"},
    {"containerd"},
    {"network", "volume", "image", "files", "logs", "oci", "store"},
    {"engine"},
    {"api"},
    {"demo"},
)
"""The engine's side, lowest first: a package imports those below it and nothing beside it."""
CLIENT_SIDE = {"client": {"types"}, "cli": {"client", "trace", "types"}}
FORBIDDEN = {
    "client": {"grpc", "aiohttp", "asyncio", "typer", "rich", "http", "urllib", "msgspec"},
    "cli": {"grpc", "aiohttp", "asyncio", "rich", "http", "msgspec"},
    "oci": {"grpc", "aiohttp"},
    "store": {"grpc", "aiohttp"},
    "engine": {"aiohttp"},
    "types": {"grpc", "aiohttp", "asyncio"},
}
TYPER_ALLOWED = {
    "completing.py",
    "app.py",
    "tablegen.py",
    "manpages.py",
    "helptext.py",
    "declarations",
}
"""Where inside cli typer may be known: the declarations and what reads them."""


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if "_pb" not in path.parts)


def package_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else ""


def imports(path: Path) -> set[str]:
    """Dotted names that the module imports at run time, wherever in it the import stands."""
    found: set[str] = set()
    for node in runtime_nodes(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.add(node.module or "")
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def runtime_nodes(node: ast.AST) -> list[ast.AST]:
    nodes: list[ast.AST] = []
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            nodes += [grand for other in child.orelse for grand in runtime_nodes(other)]
            nodes += child.orelse
            continue
        nodes.append(child)
        nodes += runtime_nodes(child)
    return nodes


def own(names: set[str]) -> set[str]:
    """The packages of runner among imported names."""
    return {name.split(".")[1] for name in names if name.startswith("runner.")} - {"__version__"}


def allowed(package: str) -> set[str]:
    if package in CLIENT_SIDE:
        return CLIENT_SIDE[package]
    below: set[str] = set()
    for level in LEVELS:
        if package in level:
            return below | {"client"} if package == "demo" else below
        below |= level
    raise AssertionError(f"runner/{package} has no place in the design's import order")


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down_only(path: Path) -> None:
    package = package_of(path)
    if not package:
        return
    known = own(imports(path)) - {package}
    assert known <= allowed(package), f"{package} must not import {known - allowed(package)}"


@pytest.mark.parametrize("package", sorted(FORBIDDEN))
def test_packages_stay_clear_of_frameworks(package: str) -> None:
    for path in sorted((PACKAGE / package).rglob("*.py")):
        outside = {name.split(".")[0] for name in imports(path)}
        assert not outside & FORBIDDEN[package], path


def test_typer_is_known_to_the_declarations_only() -> None:
    for path in sorted((PACKAGE / "cli").rglob("*.py")):
        if not TYPER_ALLOWED & set(path.relative_to(PACKAGE / "cli").parts):
            assert not {name.split(".")[0] for name in imports(path)} & {"typer"}, path


TEMPLATES = "runner.cli.template"
HEAVY = (
    "typer",
    "rich",
    "grpc",
    "aiohttp",
    "asyncio",
    "msgspec",
    "json",
    "re",
    "enum",
    "typing",
    "socket",
    "subprocess",
    "threading",
    "dataclasses",
    "pathlib",
    "http.client",
)
ROAD = """
import sys
before = set(sys.modules)
from runner.cli import main
code = main.run({argv!r})
print(code, *sorted((set(sys.modules) - before) & set({heavy!r})))
"""


@pytest.mark.parametrize(
    "argv",
    [
        ["-H", "unix:///nowhere", "run", "--rm", "-v", "/a:/b", "-p", "80:80", "busybox", "true"],
        ["-H", "unix:///nowhere", "ps", "-a"],
        ["-H", "unix:///nowhere", "inspect", "x"],
        ["-H", "unix:///nowhere", "logs", "x"],
        ["-H", "unix:///nowhere", "rm", "-f", "x"],
        ["-H", "unix:///nowhere", "exec", "-it", "-e", "A=b", "x", "sh"],
        ["-H", "unix:///nowhere", "cp", "x:/a", "."],
        ["-H", "unix:///nowhere", "stats", "x"],
        ["-H", "unix:///nowhere", "events", "--since", "1h", "--format", "{{json .}}"],
        [
            "-H",
            "unix:///nowhere",
            "ps",
            "--format",
            "table {{.ID}}\t{{range split .Names `,`}}{{end}}",
        ],
        ["-H", "unix:///nowhere", "inspect", "-f", "{{range .Mounts}}{{.Source}}{{end}}", "x"],
    ],
    ids=lambda argv: " ".join(argv[2:4]),
)
def test_a_command_loads_nothing_heavy(argv: list[str]) -> None:
    # -I -S: neither the environment nor site-packages may bring modules of their own.
    script = f"import sys; sys.path.insert(0, {str(ROOT)!r})" + ROAD.format(argv=argv, heavy=HEAVY)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=True
    )
    code, *loaded = done.stdout.splitlines()[-1].split()
    assert int(code) in (1, 125), done.stderr
    assert "Cannot connect" in done.stderr
    assert loaded == []


@pytest.mark.parametrize(
    "argv", [["ps", "-a"], ["images"], ["inspect", "x"], ["run", "x"], ["ps", "-q"]]
)
def test_templates_are_loaded_where_one_is_given_only(argv: list[str]) -> None:
    road = ROAD.format(argv=["-H", "unix:///nowhere", *argv], heavy=(TEMPLATES,))
    script = f"import sys; sys.path.insert(0, {str(ROOT)!r})" + road
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=True
    )
    assert TEMPLATES not in done.stdout


def test_run_loads_the_whole_road_when_it_attaches() -> None:
    """What `run` imports only once it is connected is light, too."""
    names = "runner.cli.container.foreground, runner.client.attach, runner.client.signals"
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); before = set(sys.modules); "
        f"import {names}; print(*sorted((set(sys.modules) - before) & set({HEAVY!r})))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
