"""The contracts of ARCHITECTURE.md: layers, homes of third-party packages, light start."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.program import processor_seconds

SOURCE = Path(__file__).parent.parent / "src" / "xverse_chat"

# A module may import what stands in a row below its own, and its own folder. Never its siblings.
LAYERS = [
    ["cli"],
    ["terminal", "engine", "hub"],
    ["chat"],
    ["checkpoint"],
    ["config", "progress"],
    ["errors"],
    ["wording"],
]
RANK = {name: rank for rank, row in enumerate(LAYERS) for name in row}

# Third-party packages and the only layers that may import them.
HOMES = {
    "torch": {"engine", "checkpoint", "hub"},
    "transformers": {"engine"},
    "tokenizers": {"engine"},
    "safetensors": {"engine", "hub", "checkpoint"},
    "modelscope": {"hub"},
    "modelscope_hub": {"hub"},
    "requests": {"hub"},
    "rich": {"terminal"},
    "wcwidth": {"terminal"},
    "markdown_it": {"terminal"},
    "pygments": {"terminal"},
    "prompt_toolkit": {"terminal"},
    "typer": {"cli"},
    "platformdirs": {"config"},
    "psutil": {"engine"},
    "pynvml": {"engine"},
    "filelock": {"hub"},
}
NETWORK = {"socket", "http", "urllib", "ssl", "requests", "httpx"}
# The public names are found lazily through the package itself; __main__ starts the program.
ENTRANCES = {"__init__", "__main__"}


def modules() -> list[Path]:
    return sorted(path for path in SOURCE.rglob("*.py") if path.parent.name != "demo")


def layer_of(path: Path) -> str:
    return path.relative_to(SOURCE).with_suffix("").parts[0]


def imports_in(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} relative import"
            yield node.module or "", node.lineno
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def broken_rules(path: Path) -> list[str]:
    own = layer_of(path)
    broken = []
    for name, line in imports_in(path):
        parts = name.split(".")
        where = f"{path.relative_to(SOURCE)}:{line} imports {name}"
        if parts[0] == "xverse_chat" and len(parts) > 1 and own not in ENTRANCES:
            imported = parts[1]
            if imported in RANK and imported != own and RANK[imported] <= RANK[own]:
                broken.append(f"{where}: not below {own}")
        elif parts[0] in HOMES and own not in HOMES[parts[0]]:
            broken.append(f"{where}: belongs to {sorted(HOMES[parts[0]])}")
        elif parts[0] in NETWORK and own != "hub":
            broken.append(f"{where}: only hub touches the network")
        elif (
            own in {"chat", "errors", "progress", "wording"}
            and parts[0] != "xverse_chat"
            and parts[0] not in sys.stdlib_module_names
        ):
            broken.append(f"{where}: {own} is standard library only")
    return broken


def test_every_module_has_a_layer() -> None:
    unknown = {layer_of(path) for path in modules()} - RANK.keys() - ENTRANCES
    assert not unknown, f"give these a row in LAYERS: {sorted(unknown)}"


def test_imports_point_down_and_packages_stay_at_home() -> None:
    assert [broken for path in modules() for broken in broken_rules(path)] == []


@pytest.mark.parametrize(
    ("layer", "line"),
    [
        ("engine", "from xverse_chat.terminal import sanitise"),
        ("hub", "def f():\n    import xverse_chat.engine.model"),
        ("chat", "import rich"),
        ("chat", "from xverse_chat import cli"),
        ("terminal", "import torch"),
        ("engine", "import urllib.request"),
    ],
)
def test_a_planted_violation_is_found(
    layer: str, line: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "SOURCE", tmp_path)
    path = tmp_path / layer / "planted.py"
    path.parent.mkdir()
    path.write_text(line + "\n", encoding="utf-8")
    assert len(broken_rules(path)) >= 1


HEAVY = {"torch", "transformers", "modelscope", "modelscope_hub", "accelerate", "numpy"}


def modules_after(code: str) -> set[str]:
    program = f"import json, sys\n{code}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "module", ["xverse_chat", "xverse_chat.cli.chat", "xverse_chat.cli.download"]
)
def test_importing_a_door_loads_nothing_heavy(module: str) -> None:
    assert not modules_after(f"import {module}") & HEAVY


@pytest.mark.parametrize("module", ["chat", "download"])
def test_help_loads_neither_models_nor_the_screen(module: str) -> None:
    loaded = modules_after(
        f"from xverse_chat.cli.{module} import main\n"
        "sys.argv = ['x', '--help']\n"
        "try:\n    main()\nexcept SystemExit as e:\n    assert not e.code\n"
    )
    assert not loaded & (HEAVY | {"prompt_toolkit", "rich.live"})


@pytest.mark.parametrize("module", ["chat", "download"])
def test_help_answers_in_under_half_a_second(module: str) -> None:
    def ask() -> None:
        program = f"from xverse_chat.cli.{module} import main; main()"
        subprocess.run([sys.executable, "-c", program, "--help"], check=True, capture_output=True)

    assert min(processor_seconds(ask) for _ in range(3)) < 0.5


def test_nothing_happens_on_import() -> None:
    """Importing every module prints nothing, and leaves handlers and threads as they were."""
    names = [
        ".".join(("xverse_chat", *path.relative_to(SOURCE).with_suffix("").parts))
        for path in modules()
        if path.stem not in ENTRANCES
    ]
    program = (
        "import importlib, signal, threading\n"
        "handlers = [signal.getsignal(s) for s in (2, 15)]\n"
        f"for name in {names!r}:\n    importlib.import_module(name)\n"
        "assert handlers == [signal.getsignal(s) for s in (2, 15)]\n"
        "assert threading.active_count() == 1\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
