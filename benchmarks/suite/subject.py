"""What a subject is: some work, its variants, and who does it. Needs nothing but numpy."""

import csv
import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

OURS = "skchem_dl"
SUBJECTS = Path(__file__).parents[1] / "subjects"
FOLDER = Path(__file__).parents[2] / ".bench"  # nothing in here is kept by git

DATA_SETS = {  # file, column of SMILES, column to predict
    "esol": ("esol.csv", "smiles", "measured log solubility in mols per litre"),
    "freesolv": ("freesolv.csv", "smiles", "expt"),
    "lipophilicity": ("lipophilicity.csv", "smiles", "exp"),
    "bace": ("bace.csv", "smiles", "pIC50"),
    "hiv": ("hiv.csv", "smiles", None),
}


@dataclass(frozen=True)
class Unit:
    """What is measured, and which way is better."""

    name: str
    more_is_better: bool = False
    per_molecule: bool = False  # molecules divided by seconds


RATE = Unit("molecules/s", more_is_better=True, per_molecule=True)
SECONDS = Unit("s")
MILLISECONDS = Unit("ms")
BYTES = Unit("bytes/molecule")
MEBIBYTES = Unit("MiB")
RMSE = Unit("RMSE")


class WithOptions:
    """Something whose options are read as if they were its attributes."""

    options: dict[str, Any]

    def __getattr__(self, name: str) -> Any:
        try:
            return self.options[name]
        except KeyError:
            raise AttributeError(name) from None


@dataclass(frozen=True)
class Variant(WithOptions):
    """One way to ask for the work."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)
    quick: bool = True  # also part of the quick run
    rounds: int | None = None  # instead of as many as fit into the time that all have


@dataclass(frozen=True)
class Case(WithOptions):
    """The data and options that a contender prepares its work from."""

    data: Path
    options: dict[str, Any]
    threads: int

    @cached_property
    def rows(self) -> list[dict[str, str]]:
        file = DATA_SETS[self.options["data_set"]][0]
        with (self.data / file).open(newline="") as stream:
            return list(csv.DictReader(stream))[: self.options.get("n")]

    @cached_property
    def smiles(self) -> list[str]:
        """The first n molecules; of hiv.csv, which has some broken ones, of those that are read."""
        if self.options["data_set"] == "hiv":
            return parsable_hiv(self.data)[: self.options.get("n")]
        column = DATA_SETS[self.options["data_set"]][1]
        if self.rows and column not in self.rows[0]:
            column = "mol"  # as MoleculeNet's own bace.csv has it
        return [row[column].strip() for row in self.rows]

    @cached_property
    def y(self) -> np.ndarray:
        column = DATA_SETS[self.options["data_set"]][2]
        return np.array([float(row[column]) for row in self.rows])


@dataclass(frozen=True)
class Outcome:
    """What a piece of work measured by itself: a value, and how long it took to come by it."""

    value: float
    seconds: float
    made: str | None = None  # when and where, of what is kept


def only(option: str, *values: Any) -> Callable[[Variant], bool]:
    """Say which variants a contender takes part in, by the value of an option."""
    return lambda variant: variant.options[option] in values


# Prepares the work, and gives what is then timed. That may give its own measurement: a float, or
# an Outcome.
Prepare = Callable[[Case], Callable[[], Any]]


@dataclass(frozen=True)
class Contender:
    """Someone who can do the work."""

    name: str
    prepare: Prepare
    environment: str
    applies: Callable[[Variant], bool]
    is_bare: bool  # a loop over RDKit or torch, without a library around it


@dataclass
class Subject:
    """Some work that several contenders do."""

    title: str
    unit: Unit
    variants: list[Variant]
    about: str = ""  # a sentence or two above the table
    warm_up: bool = True  # one run that does not count
    fresh: bool = False  # nothing is imported beforehand, since imports are part of what counts
    contenders: dict[str, Contender] = field(default_factory=dict)
    remarks: dict[str, str] = field(default_factory=dict)  # by contender

    def contender(
        self,
        name: str = OURS,
        environment: str = OURS,
        *,
        applies: Callable[[Variant], bool] = lambda variant: True,
        is_bare: bool = False,
        remark: str = "",
    ) -> Callable[[Prepare], Prepare]:
        """Register a function that prepares the work; it imports inside what it needs."""

        def register(prepare: Prepare) -> Prepare:
            self.contenders[name] = Contender(name, prepare, environment, applies, is_bare)
            if remark:
                self.remarks[name] = remark
            return prepare

        return register


def parsable_hiv(data: Path) -> list[str]:
    """Give the SMILES of hiv.csv that RDKit reads; it is asked once, and the answer kept."""
    kept = FOLDER / "hiv_parsable.txt"
    if not kept.exists():
        from rdkit import Chem, rdBase

        file, column, _ = DATA_SETS["hiv"]
        with (data / file).open(newline="") as stream, rdBase.BlockLogs():
            texts = [row[column].strip() for row in csv.DictReader(stream)]
            good = [text for text in texts if Chem.MolFromSmiles(text) is not None]
        FOLDER.mkdir(exist_ok=True)
        part = kept.with_suffix(f".{os.getpid()}")  # several contenders may ask at once
        part.write_text("\n".join(good))
        part.replace(kept)
    return kept.read_text().split("\n")


def subject_names() -> list[str]:
    return sorted(file.stem for file in SUBJECTS.glob("*.py") if file.stem != "__init__")


def load_subject(name: str) -> Subject:
    return importlib.import_module(f"benchmarks.subjects.{name}").subject
