"""Data sets that come with this package or with RDKit."""

import csv
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import rdkit
from rdkit import Chem, RDConfig
from rdkit.Chem.rdMolDescriptors import CalcCrippenDescriptors, CalcTPSA
from rdkit.rdBase import BlockLogs
from sklearn.utils._param_validation import StrOptions, validate_params

from skchem_dl.datasets._bunch import as_dataset
from skchem_dl.datasets._duplicates import first_rows, group_rows, mean_by_group

DATA_MODULE = "skchem_dl.datasets.data"


@validate_params(
    {
        "subset": [StrOptions({"all", "train", "test"})],
        "drop_duplicates": ["boolean"],
        "return_X_y": ["boolean"],
        "as_frame": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def load_solubility(
    *,
    subset: str = "all",
    drop_duplicates: bool = False,
    return_X_y: bool = False,
    as_frame: bool = False,
) -> Any:
    """Load the measured solubility in water of 1,282 organic compounds (regression).

    Huuskonen gathered the values [1]_; RDKit distributes them, with a split into a training and a
    test set.

    ==============   ==========================
    Samples total    1282
    Training, test   1025, 257
    Features         SMILES
    Target           logS, -11.62 to 1.58
    ==============   ==========================

    Parameters
    ----------
    subset : {"all", "train", "test"}, default="all"
        The part of the split to load, in the order of the file.

    drop_duplicates : bool, default=False
        Eight structures occur twice, four of them once in each part of the split, since the
        SMILES carry no stereochemistry and some structures are wrong at the source (`DESCR` lists
        them). If True, each of them is kept once, where it occurs first, with its first name and
        the mean of its values. Those that occur in both parts go to the training set, so that the
        test set holds only unseen structures: 1,274 samples remain, 1,021 and 253.

    return_X_y : bool, default=False
        If True, return ``(data, target)`` instead of a Bunch.

    as_frame : bool, default=False
        If True, `data` and `target` are pandas Series, and `frame` holds both.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the following attributes.

        data : {ndarray of object, Series} of shape (n_samples,)
            SMILES strings.
        target : {ndarray, Series} of shape (n_samples,)
            logS: the base-10 logarithm of the solubility in mol/L.
        frame : DataFrame of shape (n_samples, 2)
            `data` and `target`; None unless ``as_frame=True``.
        feature_names, target_names : list of str
            The names of the columns of `frame`.
        units : dict
            The unit of each target.
        names : ndarray of object, shape (n_samples,)
            Names of the compounds, as the source spells them.
        split : ndarray of str, shape (n_samples,)
            "train" or "test".
        DESCR : str
            The full description of the data set.
        filename : str
            The name of the data file.
        data_module : str
            The package that holds the data file.

    (data, target) : tuple if ``return_X_y`` is True
        The SMILES strings and their logS.

    Raises
    ------
    ImportError
        If ``as_frame=True`` and pandas is missing.

    See Also
    --------
    fetch_esol, fetch_freesolv, fetch_lipophilicity : Other measured properties, to be downloaded.

    References
    ----------
    .. [1] Huuskonen, J. (2000). "Estimation of Aqueous Solubility for a Diverse Set of Organic
       Compounds Based on Molecular Topology". Journal of Chemical Information and Computer
       Sciences, 40(3), 773-777. https://doi.org/10.1021/ci9901338

    Examples
    --------
    >>> from skchem_dl.datasets import load_solubility
    >>> X, y = load_solubility(return_X_y=True)
    >>> X.shape
    (1282,)
    >>> X[:3]
    array(['CCCCC', 'C1CCCC1', 'CCCCCC'], dtype=object)
    >>> y[:3]
    array([-3.18, -2.64, -3.84])
    >>> load_solubility(subset="test", drop_duplicates=True).data.shape
    (253,)
    """
    filename = "solubility.csv"
    with _data_file(filename).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    smiles = np.array([row["smiles"] for row in rows], dtype=object)
    target = np.array([float(row["logS"]) for row in rows])
    names = np.array([row["name"] for row in rows], dtype=object)
    split = np.array([row["split"] for row in rows])

    if drop_duplicates:
        first_row, target, in_train = _average_duplicates(smiles, target, split == "train")
        smiles, names = smiles[first_row], names[first_row]
        split = np.where(in_train, "train", "test")
    if subset != "all":
        chosen = split == subset
        smiles, target, names, split = smiles[chosen], target[chosen], names[chosen], split[chosen]

    return as_dataset(
        smiles,
        target,
        ["logS"],
        caller="load_solubility",
        return_X_y=return_X_y,
        as_frame=as_frame,
        units={"logS": "log10(mol/L)"},
        names=names,
        split=split,
        DESCR=_data_file("solubility.rst").read_text(encoding="utf-8"),
        filename=filename,
        data_module=DATA_MODULE,
    )


@validate_params(
    {"return_X_y": ["boolean"], "as_frame": ["boolean"]},
    prefer_skip_nested_validation=True,
)
def load_nci(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """Load 4,991 molecules of the NCI with three computed properties (multi-output regression).

    The molecules are the first of the open NCI database [1]_, from the file ``NCI/first_5K.smi``
    in the installed RDKit's data folder; RDKit computes the targets at the first call, in about
    two seconds. They are free of noise: they show what a network can learn from a structure, not
    how well it predicts a measurement.

    ==============   ====================================
    Samples total    4991 (with RDKit 2026.3)
    Features         SMILES
    Targets          logP, molar refractivity, TPSA
    ==============   ====================================

    Parameters
    ----------
    return_X_y : bool, default=False
        If True, return ``(data, target)`` instead of a Bunch.

    as_frame : bool, default=False
        If True, `data` is a pandas Series, `target` a DataFrame, and `frame` holds both.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the following attributes.

        data : {ndarray of object, Series} of shape (n_samples,)
            SMILES strings, as they stand in the file.
        target : {ndarray, DataFrame} of shape (n_samples, 3)
            Crippen's octanol/water logP and molar refractivity [2]_ (cm³/mol), and the
            topological polar surface area [3]_ (Å²).
        frame : DataFrame of shape (n_samples, 4)
            `data` and `target`; None unless ``as_frame=True``.
        feature_names, target_names : list of str
            The names of the columns of `frame`.
        units : dict
            The unit of each target.
        names : ndarray of object, shape (n_samples,)
            NSC numbers of the molecules, as strings.
        invalid_smiles : ndarray of object, shape (n_invalid,)
            The molecules in the file that the installed RDKit rejects, and that are left out:
            eight with RDKit 2026.3.
        DESCR : str
            The full description of the data set.
        filename : str
            The path of the data file.

    (data, target) : tuple if ``return_X_y`` is True
        The SMILES strings and the three properties.

    Raises
    ------
    FileNotFoundError
        If the installed RDKit has no such file.
    ImportError
        If ``as_frame=True`` and pandas is missing.

    See Also
    --------
    load_solubility : Molecules with a measured property.

    References
    ----------
    .. [1] Voigt, J. H., Bienfait, B., Wang, S., and Nicklaus, M. C. (2001). "Comparison of the
       NCI Open Database with Seven Large Chemical Structural Databases". Journal of Chemical
       Information and Computer Sciences, 41(3), 702-712. https://doi.org/10.1021/ci000150t
    .. [2] Wildman, S. A., and Crippen, G. M. (1999). "Prediction of Physicochemical Parameters by
       Atomic Contributions". Journal of Chemical Information and Computer Sciences, 39(5),
       868-873. https://doi.org/10.1021/ci990307l
    .. [3] Ertl, P., Rohde, B., and Selzer, P. (2000). "Fast Calculation of Molecular Polar Surface
       Area as a Sum of Fragment-Based Contributions and Its Application to the Prediction of Drug
       Transport Properties". Journal of Medicinal Chemistry, 43(20), 3714-3717.
       https://doi.org/10.1021/jm000942e

    Examples
    --------
    >>> from skchem_dl.datasets import load_nci
    >>> nci = load_nci()
    >>> nci.target_names
    ['logP', 'MR', 'TPSA']
    >>> nci.data[0]
    'CC1=CC(=O)C=CC1=O'
    >>> nci.target[0].round(2)
    array([ 0.64, 32.91, 34.14])
    """
    path = Path(RDConfig.RDDataDir) / "NCI" / "first_5K.smi"
    if not path.is_file():
        raise FileNotFoundError(
            "load_nci reads a file that comes with RDKit, but the installed RDKit "
            f"{rdkit.__version__} has no {path}. RDKit's wheels have it."
        )
    smiles, names, target, invalid_smiles = _read_nci(path)

    return as_dataset(
        np.array(smiles, dtype=object),
        np.array(target),
        ["logP", "MR", "TPSA"],
        caller="load_nci",
        return_X_y=return_X_y,
        as_frame=as_frame,
        units={"logP": "log10, dimensionless", "MR": "cm³/mol", "TPSA": "Å²"},
        names=np.array(names, dtype=object),
        invalid_smiles=np.array(invalid_smiles, dtype=object),
        DESCR=_data_file("nci.rst").read_text(encoding="utf-8"),
        filename=str(path),
    )


@cache
def _read_nci(path: Path) -> tuple[list[str], list[str], list[tuple[float, ...]], list[str]]:
    """Read SMILES and names, compute the targets, and list the SMILES that RDKit rejects."""
    smiles: list[str] = []
    names: list[str] = []
    target: list[tuple[float, ...]] = []
    invalid_smiles: list[str] = []
    # Blocks the log for the length of this loop and then leaves it as it was.
    with BlockLogs():
        for line in path.read_text(encoding="utf-8").splitlines():
            text, name = line.split()
            molecule = Chem.MolFromSmiles(text)
            if molecule is None:
                invalid_smiles.append(text)
                continue
            log_p, molar_refractivity = CalcCrippenDescriptors(molecule)
            smiles.append(text)
            names.append(name)
            target.append((log_p, molar_refractivity, CalcTPSA(molecule)))
    return smiles, names, target, invalid_smiles


def _data_file(name: str) -> Any:
    return resources.files(DATA_MODULE) / name


def _average_duplicates(
    smiles: np.ndarray, target: np.ndarray, in_train: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find each structure's first row, its mean target, and whether any of its rows is in train.

    One structure must be one string, as it is in canonical SMILES. The structures stay in the
    order of their first rows.
    """
    structure = group_rows(smiles.tolist())
    in_train = np.bincount(structure, weights=in_train) > 0
    return first_rows(structure), mean_by_group(target, structure), in_train
