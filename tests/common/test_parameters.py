"""Constructors, parameters, and what an estimator looks like."""

import inspect

import numpy as np
import pytest
from cases import ESTIMATORS, FEATURIZERS, SIMILARITY, WRAPPERS, data, everything
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import estimator_html_repr
from sklearn.utils.validation import check_is_fitted

OURS = [*ESTIMATORS, *FEATURIZERS, *SIMILARITY]
CLASSES = [*OURS, *WRAPPERS]


@pytest.mark.parametrize("cls", CLASSES)
def test_the_constructor_stores_its_arguments_and_nothing_else(cls):
    given = {name: object() for name in inspect.signature(cls).parameters}
    assert vars(cls(**given)) == given


@pytest.mark.parametrize("cls", OURS)
def test_every_parameter_has_a_constraint_and_a_line_in_the_docstring(cls):
    names = set(inspect.signature(cls).parameters)
    assert set(cls._parameter_constraints) == names
    documented = inspect.getdoc(cls).partition("Parameters\n")[2].partition("\n\n")[0].splitlines()
    entries = {line.partition(" : ")[0] for line in documented if " : " in line}
    assert entries == names


@pytest.mark.parametrize("cls", OURS)
def test_documented_defaults_are_the_defaults(cls):
    for name, parameter in inspect.signature(cls).parameters.items():
        line = next(t for t in inspect.getdoc(cls).splitlines() if t.startswith(f"{name} : "))
        written = line.partition("default=")[2]
        assert eval(written, {}) == parameter.default, line


@everything
def test_get_and_set_params(make):
    model = make()
    params = model.get_params(deep=True)
    assert model.set_params(**params).get_params(deep=True) == params
    with pytest.raises(ValueError, match="Invalid parameter 'nonsense'"):
        model.set_params(nonsense=1)


@everything
def test_fit_changes_no_parameter(make, smiles):
    model = make()
    X, y = data(model, smiles)
    before = {name: repr(value) for name, value in model.get_params(deep=True).items()}
    model.fit(X, y)
    assert {name: repr(value) for name, value in model.get_params(deep=True).items()} == before


@everything
def test_clone_is_unfitted_with_the_same_parameters(make, smiles):
    model = make()
    X, y = data(model, smiles)
    copy = clone(model.fit(X, y))
    assert repr(copy.get_params(deep=True)) == repr(model.get_params(deep=True))
    assert [name for name in vars(copy) if name.endswith("_")] == []


@everything
def test_unfitted(make, smiles):
    model = make()
    X, _ = data(model, smiles)
    methods = [m for m in ("predict", "predict_proba", "transform", "embed") if hasattr(model, m)]
    if not model.__sklearn_tags__().requires_fit:
        pytest.skip("learns nothing in fit")
    for method in methods:
        with pytest.raises(NotFittedError):
            getattr(model, method)(X)
    with pytest.raises(NotFittedError):
        check_is_fitted(model)


@pytest.mark.parametrize("cls", OURS)
def test_wrong_parameters_are_refused_by_fit(cls, smiles):
    for name in inspect.signature(cls).parameters:
        model = cls()
        X, y = data(model, smiles)
        wrong = model.set_params(**{name: object()})
        with pytest.raises((TypeError, ValueError), match=f"'?{name}'?"):
            wrong.fit(X, y)


@everything
def test_display(make, smiles):
    model = make()
    assert type(model).__name__ in repr(model)
    assert "sk-estimator" in estimator_html_repr(model)
    fitted = model.fit(*data(model, smiles))
    assert "sk-estimator" in estimator_html_repr(fitted)
    assert "fitted" in fitted._repr_html_()


def test_arrays_as_parameters_survive_clone():
    from skchem_dl import FingerprintMLPRegressor

    widths = np.array([8, 4])
    model = clone(FingerprintMLPRegressor(widths, max_epochs=1))
    model.fit(np.eye(4), [0, 1, 2, 3])
    assert model.module_.embedding_dim == 4
