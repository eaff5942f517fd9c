"""The environments of the peers, each of its own since their requirements disagree.

python -m benchmarks.suite envs
"""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.suite.subject import FOLDER

TORCH = "torch==2.13.0"


@dataclass(frozen=True)
class Environment:
    """What is installed together, and which of it a table names."""

    requirements: tuple[str, ...]
    shown: tuple[str, ...]
    imports: tuple[str, ...]  # what its contenders share
    torch: bool = True


ENVIRONMENTS = {
    "skchem_dl": Environment(
        (),
        ("skchem_dl", "torch", "skorch", "scikit-learn", "rdkit", "cuik-molmaker-pin", "dgl"),
        ("benchmarks.peers.with_torch", "sklearn.model_selection", "skchem_dl.pipelines"),
    ),
    "chemprop": Environment(
        ("chemprop==2.3.1", "cuik-molmaker-pin==2026.3.6", "rdkit==2026.3.6"),
        ("chemprop", "torch", "rdkit", "cuik-molmaker-pin"),
        ("benchmarks.peers.with_chemprop",),
    ),
    "dgllife": Environment(
        # DGL needs packaging and does not say so.
        ("dgllife==0.3.2", "dgl==1.1.3", "rdkit==2026.3.6", "packaging", "setuptools<81"),
        ("dgllife", "dgl", "torch", "rdkit"),
        ("benchmarks.peers.with_dgllife",),
    ),
    "torch-molecule": Environment(
        ("torch-molecule==0.2.0", "rdkit==2026.3.6"),
        ("torch-molecule", "torch", "rdkit"),
        ("benchmarks.peers.with_torch_molecule",),
    ),
    "scikit-fingerprints": Environment(
        ("scikit-fingerprints==2.1.0",),
        ("scikit-fingerprints", "rdkit"),
        ("skfp.fingerprints",),
        torch=False,
    ),
    "scikit-mol": Environment(
        ("scikit-mol==0.6.1", "rdkit==2026.3.6"),
        ("scikit-mol", "rdkit"),
        ("scikit_mol.fingerprints",),
        torch=False,
    ),
    "MolPipeline": Environment(
        ("molpipeline==0.13.1", "rdkit==2026.3.6"),
        ("molpipeline", "rdkit"),
        ("molpipeline.mol2any",),
        torch=False,
    ),
}


def python_of(name: str) -> Path:
    """Give the interpreter of an environment; ours is the one that runs the suite."""
    return Path(sys.executable) if name == "skchem_dl" else FOLDER / name / "bin" / "python"


def is_ready(name: str) -> bool:
    """Say whether an environment is there, with what is asked of it now."""
    if name == "skchem_dl":
        return True
    return _stamp(name).exists() and _stamp(name).read_text() == _contents(name)


def build_all() -> dict[str, str]:
    """Create what is missing; give what went wrong, by environment."""
    problems = {}
    for name, environment in ENVIRONMENTS.items():
        if is_ready(name):
            continue
        print(f"{name}: installing {' '.join(environment.requirements)}", flush=True)
        problem = _build(name, environment)
        if problem:
            problems[name] = problem
            print(f"{name}: NOT INSTALLED\n{problem}", flush=True)
    return problems


def _build(name: str, environment: Environment) -> str | None:
    install = [str(python_of(name)), "-m", "pip", "install", "--quiet"]
    steps = [[sys.executable, "-m", "venv", "--clear", str(FOLDER / name)]]
    if environment.torch:
        steps.append([*install, TORCH])  # first, so that no other build of it is chosen
    pins = [TORCH] if environment.torch else []
    steps.append([*install, *pins, *environment.requirements])
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode:
            return done.stderr.strip()[-2_000:]
    _stamp(name).write_text(_contents(name))
    return None


def _contents(name: str) -> str:
    environment = ENVIRONMENTS[name]
    return "\n".join([*([TORCH] if environment.torch else []), *environment.requirements])


def _stamp(name: str) -> Path:
    return FOLDER / name / ".installed"
