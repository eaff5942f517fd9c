"""Fixtures for all tests."""

import os
from pathlib import Path

os.environ["DGLBACKEND"] = "pytorch"  # before anything imports DGL, which prints otherwise

import pytest
from hypothesis import settings
from processes import Forked

# The same examples every time: a test that fails today fails tomorrow.
settings.register_profile("skchem_dl", deadline=None, derandomize=True, database=None)
settings.load_profile("skchem_dl")

EXAMPLES = Path(__file__).parent.parent / "examples"
SMILES = (
    "C",
    "O",
    "[Na+].[Cl-]",
    "[H][H]",
    "[He]",
    "CCO",
    "CC(=O)[O-].[Na+]",
    "C[NH3+]",
    "[O-][N+](=O)c1ccccc1",
    "CC(=O)Oc1ccccc1C(=O)O",
    "Cn1cnc2c1c(=O)n(C)c(=O)n2C",
    "C[C@H](N)C(=O)O",
    "C[C@@H](N)C(=O)O",
    "F/C=C/F",
    "F/C=C\\F",
    "C#N",
    "N#[N+][O-]",
    "C1CC1",
    "C1CCCCCCCCC1",
    "c1ccc2ccccc2c1",
    "c1cc[nH]c1",
    "O=S(=O)(O)c1ccccc1",
    "FS(F)(F)(F)(F)F",
    "ClC(Cl)(Cl)Cl",
    "BrCCI",
    "C[Si](C)(C)C",
    "OB(O)c1ccccc1",
    "CP(C)(=O)OC",
    "[2H]C([2H])([2H])O",
    "C[Hg]C",
    "CC(C)Cc1ccc(C(C)C(=O)O)cc1",
    "OC[C@H]1O[C@@H](O)[C@H](O)[C@@H](O)[C@@H]1O",
)


@pytest.fixture
def smiles():
    """Diverse molecules: single atoms, salts, charges, stereo, metals, drugs."""
    return list(SMILES)


@pytest.fixture
def run_example(tmp_path):
    """Run a script of the examples in an empty folder, quickly, with warnings as errors."""

    def run(name, *arguments):
        return Forked(EXAMPLES / name, *arguments, folder=tmp_path, SKCHEM_DL_FAST="1").wait()

    return run


@pytest.fixture(scope="session")
def nci_smiles():
    """About 5,000 real molecules."""
    from skchem_dl.datasets import load_nci

    return load_nci().data.tolist()


@pytest.fixture(scope="session")
def shared_data():
    """Give the path of a file in the folder of shared data, or skip where that is missing."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("SKCHEM_DL_DATA", folder))

    def path_of(name):
        if not folder.is_dir():
            pytest.skip(f"no shared data in {folder}; set SKCHEM_DL_DATA")
        return folder / name

    return path_of


@pytest.fixture
def quiet_optuna():
    """Keep Optuna from printing a line a trial."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    yield
    optuna.logging.set_verbosity(before)
