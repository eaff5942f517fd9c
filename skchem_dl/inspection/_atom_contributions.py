"""Which atoms a prediction comes from."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp
from rdkit.Chem import Mol
from sklearn.base import is_classifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import SGDRegressor
from sklearn.linear_model._base import LinearClassifierMixin, LinearModel
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skchem_dl.features import MolGraphizer, MorganFingerprinter, SmilesTokenizer
from skchem_dl.features._molecules import ParsedMolecules, as_items, parse_molecules
from skchem_dl.inspection._fingerprint_atoms import environments
from skchem_dl.inspection._masking import mask_atoms
from skchem_dl.inspection._token_atoms import share_out_tokens
from skchem_dl.pipelines import SkipInvalidRows

GRADIENT_METHODS = ("integrated_gradients", "gradient_x_input")
METHODS = ("auto", "readout_masking", *GRADIENT_METHODS, "masking")


def atom_contributions(
    estimator: Any, X: Any, *, method: str = "auto", target: int = 0
) -> list[np.ndarray]:
    """Say how much each atom contributes to the prediction of its molecule.

    Parameters
    ----------
    estimator : fitted estimator
        Anything that predicts from molecules: a pipeline of ours, one of your own, a search over
        one.
    X : list, tuple, ndarray, Series or frame of n molecules
        SMILES strings or RDKit Mols.
    method : str, default="auto"
        - "readout_masking", for graph networks: by how much the prediction falls where the readout
          leaves out the atom's vector, which stands for the atom in its surroundings.
        - "integrated_gradients" [1]_, for a featuriser and one of the neural estimators (or, on
          fingerprints, a linear model, for which it is exact). The contributions add up to what
          the molecule is predicted to be beyond one of which nothing is shown.
        - "gradient_x_input", for the same: the slope alone, at a fiftieth of the cost.
        - "masking" [2]_, for any model: the atom is taken away, with its bits from a Morgan
          fingerprint, and otherwise from the molecule, where hydrogen takes its place.
        - "auto": the first of these that the estimator can have.
    target : int, default=0
        Which column of y, or which of several classes (of two, the second is meant).

    Returns
    -------
    list of n ndarrays of shape (n_atoms,), float64
        In the order of the atoms of ``Chem.MolFromSmiles(smiles)``, and in the units of y. Of a
        classifier in log-odds (of several classes, in their logit; of an ensemble, in the mean of
        its members'), by "masking" in probability. A row that is no molecule has an empty one;
        where "masking" takes atoms out of the molecule itself, an atom that is all of it has NaN.

    Raises
    ------
    InvalidMoleculeError
        If there are rows that are not molecules, and the featuriser has ``on_invalid="raise"``.
    ValueError
        If there is no such method or target, or the method is not one for this estimator.

    See Also
    --------
    draw_contributions : Draws them on the molecules.

    Notes
    -----
    In a graph, a bond's share goes to its two atoms in equal parts; in a SMILES, that of brackets,
    ring closures and bonds to the atom that they follow; in a fingerprint, a bit's share in
    equal parts to the atoms around which the substructures that set it are drawn.

    Against the contributions of atoms to Crippen's logP, of which that is known exactly, see
    ``docs/explanations.md``.

    References
    ----------
    .. [1] Sundararajan, M.; Taly, A.; Yan, Q. Axiomatic Attribution for Deep Networks. ICML 2017.
       https://doi.org/10.48550/arXiv.1703.01365
    .. [2] Sheridan, R. P. Interpretation of QSAR Models by Coloring Atoms According to Changes in
       Predicted Activity: How Robust Is It? J. Chem. Inf. Model. 2019, 59, 1324-1337.
       https://doi.org/10.1021/acs.jcim.8b00825

    Examples
    --------
    >>> from skchem_dl.inspection import atom_contributions
    >>> from skchem_dl.pipelines import make_gnn_pipeline
    >>> model = make_gnn_pipeline(max_epochs=5, random_state=0)
    >>> model = model.fit(["CCO", "CCCO", "CCCCO", "c1ccccc1"], [1.1, 0.6, 0.0, -1.6])
    >>> [len(of_atoms) for of_atoms in atom_contributions(model, ["CO", "c1ccccc1O"])]
    [2, 7]
    """
    check_is_fitted(estimator)
    if method not in METHODS:
        raise ValueError(f"method={method!r}; expected one of {METHODS}.")
    featurizer, model = _parts(estimator)
    possible = ["masking"] if featurizer is None else _methods_for(featurizer, model)
    if method == "auto":
        method = possible[0]
    if method not in possible:
        raise ValueError(
            f"method={method!r} is not for every estimator (see the documentation); for this "
            f"one there is {' or '.join(map(repr, possible))}."
        )
    explain = _by_masking if method == "masking" else _by_parts
    return explain(estimator, featurizer, model, X, method, target)


def _parts(estimator: Any) -> tuple[Any, Any]:
    """Give featuriser and model of a pipeline that is made of just them; else None and None."""
    steps = list(_steps(estimator))
    if len(steps) == 2 and isinstance(
        steps[0], MolGraphizer | MorganFingerprinter | SmilesTokenizer
    ):
        return steps[0], steps[1]
    return None, None


def _steps(estimator: Any) -> Iterator[Any]:
    """Walk through pipelines in pipelines, and what wraps them unchanged."""
    if isinstance(estimator, FrozenEstimator):
        yield from _steps(estimator.estimator)
    elif isinstance(estimator, SkipInvalidRows):
        yield from _steps(estimator.estimator_)
    elif hasattr(estimator, "best_estimator_"):
        yield from _steps(estimator.best_estimator_)
    elif isinstance(estimator, Pipeline):
        for _, step in estimator.steps:
            if step is not None and step != "passthrough":
                yield from _steps(step)
    else:
        yield estimator


def _methods_for(featurizer: Any, model: Any) -> list[str]:
    """List the methods that can be had, the best first."""
    is_network = _is_network(model)
    methods = ["masking"]
    if is_network or (isinstance(featurizer, MorganFingerprinter) and _is_linear(model)):
        methods = [*GRADIENT_METHODS, *methods]
    if is_network and isinstance(featurizer, MolGraphizer):
        methods = ["readout_masking", *methods]
    return methods


def _is_linear(model: Any) -> bool:
    """Say whether it predicts a weighted sum: of those with ``coef_``, not all do."""
    kinds = (LinearModel, LinearClassifierMixin, SGDRegressor)
    return isinstance(model, kinds) and hasattr(model, "coef_")


def _by_parts(
    estimator: Any, featurizer: Any, model: Any, X: Any, method: str, target: int
) -> list[np.ndarray]:
    features = featurizer.transform(X)
    parsed = parse_molecules(as_items(X, featurizer.smiles_column)[0])
    if _is_network(model):
        from skchem_dl.inspection._network_parts import network_contributions

        _check_target(target, model._task.out_dim)
        of_parts = network_contributions(model, features, method, target)
    else:
        of_parts = _of_linear(model, features, target)
    of_parts = [of_parts[row] for row in np.flatnonzero(parsed.valid)]
    return _spread(_to_atoms(featurizer, parsed, of_parts), parsed.valid)


def _of_linear(model: Any, features: Any, target: int) -> list[np.ndarray]:
    coef = model.coef_
    slopes = np.atleast_2d(coef.toarray() if sp.issparse(coef) else coef)
    _check_target(target, len(slopes))
    rows = features.tocsr() if sp.issparse(features) else np.asarray(features)
    return [slopes[target] * _dense(rows[[number]]) for number in range(rows.shape[0])]


def _dense(row: Any) -> np.ndarray:
    return (row.toarray() if sp.issparse(row) else np.asarray(row))[0].astype(np.float64)


def _to_atoms(
    featurizer: Any, parsed: ParsedMolecules, of_parts: list[np.ndarray]
) -> list[np.ndarray]:
    """Turn the contributions of a molecule's parts into its atoms'."""
    if isinstance(featurizer, MolGraphizer):
        return of_parts  # which are its atoms
    if isinstance(featurizer, MorganFingerprinter):
        return [
            environments(featurizer, mol).share_out(of_bits)
            for mol, of_bits in zip(parsed.mols, of_parts, strict=True)
        ]
    tokens = featurizer._transform_parsed(parsed)
    written = zip(parsed.mols, parsed.texts, tokens, of_parts, strict=True)
    return [share_out_tokens(*one) for one in written]


def _by_masking(
    estimator: Any, featurizer: Any, model: Any, X: Any, method: str, target: int
) -> list[np.ndarray]:
    parsed = parse_molecules(as_items(X, getattr(featurizer, "smiles_column", None))[0])
    if parsed.invalid:
        estimator.predict(X)  # raises or warns, as it is told to
    if isinstance(featurizer, MorganFingerprinter):
        found = [_mask_bits(featurizer, model, mol, target) for mol in parsed.mols]
    else:
        found = mask_atoms(lambda mols: _numbers(estimator, mols, target), parsed.mols)
    return _spread(found, parsed.valid)


def _mask_bits(featurizer: MorganFingerprinter, model: Any, mol: Mol, target: int) -> np.ndarray:
    rows = environments(featurizer, mol).with_and_without(featurizer.fp_size, featurizer.counts)
    predicted = _numbers(model, rows, target)
    return predicted[0] - predicted[1:]


def _numbers(model: Any, X: Any, target: int) -> np.ndarray:
    """Predict a number for each row: a column of y, or the probability of a class."""
    if not is_classifier(model):
        values = np.asarray(model.predict(X), dtype=np.float64)
    elif hasattr(model, "predict_proba"):
        values = model.predict_proba(X)
        if isinstance(values, list):  # of several labels, as scikit-learn's forests give them
            values = np.stack([of_label[:, 1] for of_label in values], axis=1)
        elif len(model.classes_) == 2 and not _is_multilabel(model):
            values = values[:, 1:]
    else:
        values = np.asarray(model.decision_function(X))
    columns = values.reshape(len(values), -1)
    _check_target(target, columns.shape[1])
    return columns[:, target]


def _is_multilabel(model: Any) -> bool:
    last = list(_steps(model))[-1]
    return last._task.multilabel if _is_network(last) else isinstance(model.classes_, list)


def _is_network(model: Any) -> bool:
    from skchem_dl.estimators._base import BaseNeuralEstimator  # and torch with it

    return isinstance(model, BaseNeuralEstimator)


def _check_target(target: int, n_targets: int) -> None:
    if not 0 <= target < n_targets:
        raise ValueError(f"target={target!r}; expected a number from 0 to {n_targets - 1}.")


def _spread(found: list[np.ndarray], valid: np.ndarray) -> list[np.ndarray]:
    """Put the contributions of valid molecules in their rows."""
    rest = iter(found)
    return [next(rest) if is_valid else np.zeros(0) for is_valid in valid]
