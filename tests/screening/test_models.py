"""What is predicted, by which kinds of models, and what becomes of molecules that are none."""

import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import LinearSVC

import skchem_dl
from skchem_dl import MolGraphizer, MolStandardizer, MorganFingerprinter, RDKitDescriptors
from skchem_dl.datasets import load_solubility
from skchem_dl.features import _base, _parallel
from skchem_dl.pipelines import (
    make_cluster_pipeline,
    make_cnn_pipeline,
    make_gnn_pipeline,
    make_linear_pipeline,
    make_mlp_pipeline,
    make_pca_pipeline,
)
from skchem_dl.screening import _predictor, predict_file

from .conftest import INVALID, close, read_csv

X, y = load_solubility(subset="test", return_X_y=True)
X, y = X[:40], y[:40]
Y = np.column_stack([y, -y])
CLASSES = np.where(y > np.median(y), "soluble", "not")
ROWS = ["C(", *X[:5], "", *X[5:9], "c1cccc1"]
VALID = [row for row in ROWS if row not in INVALID]
TINY = {"hidden_dims": (4,), "max_epochs": 1, "random_state": 0}


def n_letters(smiles):
    return np.array([[len(text)] for text in smiles], dtype=float)


def predict_rows(model, rows, tmp_path, write_csv, **options):
    """Return the columns of the output by name, and the summary."""
    path = tmp_path / "out.csv"
    path.unlink(missing_ok=True)
    path_in = write_csv([["smiles"], *([row] for row in rows)], quoting=1)
    summary = predict_file(model, path_in, path, **{"chunk_size": 5, **options})
    header, *rows = read_csv(path)
    return dict(zip(header, map(list, zip(*rows, strict=True)), strict=True)), summary


def valid_part(column):
    """Check that the cells of invalid rows are empty, and give the others."""
    for cell, row in zip(column, ROWS, strict=True):
        assert (cell == "") == (row in INVALID)
    return [cell for cell in column if cell]


REGRESSORS = {
    "mlp": lambda: make_mlp_pipeline(**TINY),
    "mlp, nan": lambda: make_mlp_pipeline(on_invalid="nan", **TINY),
    "cnn": lambda: make_cnn_pipeline(max_epochs=1, random_state=0),
    "gnn": lambda: make_gnn_pipeline(
        featurizer=MolGraphizer(molecule_features=RDKitDescriptors(["MolWt"])),
        hidden_dim=8,
        max_epochs=1,
        random_state=0,
    ),
    "linear": make_linear_pipeline,
    "linear, nan": lambda: make_linear_pipeline(on_invalid="nan"),
    "refuses NaN": lambda: make_pipeline(MorganFingerprinter(on_invalid="nan"), Ridge()),
    "two featurisers": lambda: make_pipeline(MolStandardizer(), MorganFingerprinter(), Ridge()),
    "union": lambda: make_pipeline(
        make_union(MorganFingerprinter(), RDKitDescriptors(["TPSA"])), Ridge()
    ),
    "not ours": lambda: make_pipeline(FunctionTransformer(n_letters), LinearRegression()),
    "search": lambda: GridSearchCV(make_linear_pipeline(), {"featurizer__radius": [1]}, cv=2),
    "frames": lambda: make_pipeline(MorganFingerprinter(), Ridge()).set_output(transform="pandas"),
    "sparse": lambda: make_pipeline(MorganFingerprinter(sparse_output=True), Ridge()),
}


@pytest.mark.parametrize("name", REGRESSORS)
def test_regressors(name, tmp_path, write_csv):
    model = REGRESSORS[name]().fit(X, y)
    before = repr(model.get_params())
    columns, summary = predict_rows(model, ROWS, tmp_path, write_csv)
    assert list(columns) == ["smiles", "prediction", "invalid_reason"]
    assert columns["smiles"] == ROWS
    assert columns["invalid_reason"] == [INVALID.get(row, "") for row in ROWS]
    assert close(valid_part(columns["prediction"]), model.predict(VALID))
    assert (summary.n_rows, summary.n_invalid) == (len(ROWS), 3)
    assert repr(model.get_params()) == before


@pytest.mark.parametrize("name", ["mlp", "mlp, nan", "linear", "two featurisers"])
def test_each_molecule_is_parsed_once(name, tmp_path, write_csv, monkeypatch):
    model = REGRESSORS[name]().fit(X, y)
    parsed = []

    def parse(items):
        parsed.extend(items)
        return parse_molecules(items)

    parse_molecules = _base.parse_molecules
    monkeypatch.setattr(_base, "parse_molecules", parse)
    monkeypatch.setattr(_predictor, "parse_molecules", parse)
    predict_rows(model, ROWS, tmp_path, write_csv)
    seen = [text for text in parsed if text in ROWS]
    times = 2 if name == "two featurisers" else 1  # what the standardiser made is parsed again
    assert sorted(seen) == sorted([*VALID * times, *(row for row in ROWS if row in INVALID)])


def test_integers_stay_integers(tmp_path, write_csv):
    # KMeans refuses float32 if it was fitted on integers, and NaN if it was not.
    for on_invalid in ("raise", "nan"):
        model = make_cluster_pipeline(n_clusters=3, random_state=0, on_invalid=on_invalid).fit(X)
        columns, _ = predict_rows(model, ROWS, tmp_path, write_csv)
        assert valid_part(columns["prediction"]) == [str(k) for k in model.predict(VALID)]


@pytest.mark.parametrize("wrap", [lambda model: model, make_pipeline])
def test_deviation_of_an_ensemble(wrap, tmp_path, write_csv):
    model = wrap(make_mlp_pipeline(n_members=2, **TINY)).fit(X, y)
    columns, _ = predict_rows(
        model, ROWS, tmp_path, write_csv, return_std=True, prediction_column="logS"
    )
    mean, std = model.predict(VALID, return_std=True)
    assert list(columns) == ["smiles", "logS", "logS_std", "invalid_reason"]
    assert close(valid_part(columns["logS"]), mean)
    assert close(valid_part(columns["logS_std"]), std)


@pytest.mark.parametrize("names", [None, ["logS", "minus logS"]])
def test_several_tasks(tmp_path, write_csv, names):
    model = make_mlp_pipeline(n_members=2, **TINY).fit(X, Y)
    options = {} if names is None else {"prediction_column": names}
    columns, _ = predict_rows(model, ROWS, tmp_path, write_csv, return_std=True, **options)
    first, second = names or ["prediction_0", "prediction_1"]
    assert list(columns)[1:-1] == [first, f"{first}_std", second, f"{second}_std"]
    mean, std = model.predict(VALID, return_std=True)
    for k, name in enumerate([first, second]):
        assert close(valid_part(columns[name]), mean[:, k])
        assert close(valid_part(columns[f"{name}_std"]), std[:, k])


@pytest.mark.parametrize("labels", [CLASSES, (CLASSES == "soluble").astype(int), CLASSES == "not"])
@pytest.mark.parametrize("factory", [make_mlp_pipeline, make_linear_pipeline])
def test_classifiers(factory, labels, tmp_path, write_csv):
    options = TINY if factory is make_mlp_pipeline else {}
    model = factory("classification", **options).fit(X, labels)
    columns, _ = predict_rows(model, ROWS, tmp_path, write_csv)
    probabilities = [f"prediction_probability_{label}" for label in model.classes_]
    assert list(columns)[1:-1] == ["prediction", *probabilities]
    assert valid_part(columns["prediction"]) == [str(label) for label in model.predict(VALID)]
    for name, expected in zip(probabilities, model.predict_proba(VALID).T, strict=True):
        assert close(valid_part(columns[name]), expected)


def test_classes_without_probabilities(tmp_path, write_csv):
    model = make_pipeline(MorganFingerprinter(), LinearSVC()).fit(X, CLASSES)
    columns, _ = predict_rows(model, ROWS, tmp_path, write_csv)
    assert list(columns)[1:-1] == ["prediction"]
    assert valid_part(columns["prediction"]) == model.predict(VALID).tolist()


@pytest.mark.parametrize("n_labels", [2, 3])
def test_yes_no_labels(tmp_path, write_csv, n_labels):
    labels = np.column_stack([y > np.quantile(y, k / 4) for k in range(1, n_labels + 1)])
    model = make_mlp_pipeline("classification", **TINY).fit(X, labels.astype(int))
    columns, _ = predict_rows(model, ROWS, tmp_path, write_csv)
    expected = [f"prediction_{k}{end}" for k in range(n_labels) for end in ("", "_probability")]
    assert list(columns)[1:-1] == expected
    for k in range(n_labels):
        labels = valid_part(columns[f"prediction_{k}"])
        assert labels == [str(label) for label in model.predict(VALID)[:, k]]
        probabilities = valid_part(columns[f"prediction_{k}_probability"])
        assert close(probabilities, model.predict_proba(VALID)[:, k])


def test_a_forest_of_several_tasks(tmp_path, write_csv):
    labels = np.column_stack([CLASSES, np.where(y > -2, "a", "b")])
    forest = RandomForestClassifier(3, random_state=0)
    model = make_pipeline(MorganFingerprinter(), forest).fit(X, labels)
    columns, _ = predict_rows(model, ROWS, tmp_path, write_csv, prediction_column=["s", "t"])
    assert list(columns)[1:-1] == [
        "s",
        "s_probability_not",
        "s_probability_soluble",
        "t",
        "t_probability_a",
        "t_probability_b",
    ]
    assert valid_part(columns["t"]) == model.predict(VALID)[:, 1].tolist()
    assert close(valid_part(columns["t_probability_b"]), model.predict_proba(VALID)[1][:, 1])


def test_a_saved_pipeline(model, tmp_path, write_csv):
    skchem_dl.save(model, tmp_path / "model.skchem")
    saved, _ = predict_rows(tmp_path / "model.skchem", ROWS, tmp_path, write_csv)
    assert saved == predict_rows(model, ROWS, tmp_path, write_csv)[0]


def test_nothing_but_invalid_rows(model, tmp_path, write_csv):
    message = "None of the first 7 of 7 rows has a prediction; row 6 is .*: syntax error"
    with pytest.warns(UserWarning, match=message) as caught:
        columns, summary = predict_rows(model, ["C("] * 7, tmp_path, write_csv)
    assert len(caught) == 1
    assert columns["prediction"] == [""] * 7
    assert columns["invalid_reason"] == [INVALID["C("]] * 7
    assert summary.n_invalid == 7


def test_what_the_standardiser_refuses_has_its_reason(tmp_path, write_csv):
    model = make_pipeline(MolStandardizer(), MorganFingerprinter(), Ridge()).fit(X, y)
    ferrocene = "[Fe+2].c1cc[cH-]c1.c1cc[cH-]c1"
    columns, _ = predict_rows(model, ["C", ferrocene, "C("], tmp_path, write_csv)
    reason = "standardization failed: it gives 'c1cccc1', which is not a valid molecule"
    assert columns["invalid_reason"] == ["", reason, INVALID["C("]]


def test_a_model_that_predicts_nan(tmp_path, write_csv):
    model = make_pipeline(MorganFingerprinter(), DummyRegressor()).fit(X, y)
    model[-1].constant_ = np.array([[np.nan]])
    with pytest.warns(UserWarning, match="the model predicts NaN"):
        columns, summary = predict_rows(model, ["C", "C("], tmp_path, write_csv)
    assert columns["prediction"] == ["", ""]
    assert columns["invalid_reason"] == ["the model predicts NaN", INVALID["C("]]
    assert summary.n_invalid == 2


def test_warnings_come_once(tmp_path, write_csv):
    model = make_cnn_pipeline(max_epochs=1, random_state=0).fit(X[:3], y[:3])
    long = ["C" * 60, "CC" * 60, "CCC" * 60] * 4
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        predict_rows(model, long, tmp_path, write_csv)
    assert len(caught) == 1
    assert "their ends are cut off" in str(caught[0].message)


def test_nothing_is_said_of_molecules_that_are_not_the_users(tmp_path, write_csv):
    model = make_cnn_pipeline(max_epochs=1, random_state=0).fit(["C", "N"] * 4, y[:8])
    columns, _ = predict_rows(model, ["C", "N"], tmp_path, write_csv)  # warnings are errors
    assert close(columns["prediction"], model.predict(["C", "N"]))


def test_errors_say_which_rows(tmp_path, write_csv):
    def fail(smiles):
        if "CCCC" in smiles:
            raise RuntimeError("as asked")
        return n_letters(smiles)

    model = make_pipeline(FunctionTransformer(fail), LinearRegression()).fit(X, y)
    with pytest.raises(RuntimeError, match="as asked") as error:
        predict_rows(model, ["C", "CC", "CCCC"], tmp_path, write_csv, chunk_size=2)
    assert error.value.__notes__ == [
        "This was in rows 3 to 3 of the file. Row numbers above count within these, from 0; those "
        "of the model within the valid ones."
    ]


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (make_pca_pipeline().fit(X), {}, "has no predict"),
        (
            make_linear_pipeline().fit(X, y),
            {"return_std": True},
            "that of SkipInvalidRows does not",
        ),
        (make_linear_pipeline(), {}, "not fitted yet"),
        (make_linear_pipeline().fit(X, y), {"prediction_column": ["a", "b"]}, r"2 name.*1 task"),
        (
            make_linear_pipeline().fit(X, y),
            {"prediction_column": "smiles"},
            r"\['smiles'\] already",
        ),
        (make_linear_pipeline().fit(X, y), {"reason_column": "prediction"}, "name must differ"),
        (make_linear_pipeline().fit(X, y), {"chunk_size": 0}, "chunk_size"),
    ],
)
def test_models_and_names_that_cannot_be(model, options, message, tmp_path, write_csv):
    with pytest.raises((TypeError, ValueError), match=message):
        predict_rows(model, ROWS, tmp_path, write_csv, **options)
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_silent_unless_asked(model, tmp_path, write_csv, capfd):
    predict_rows(model, ROWS, tmp_path, write_csv)
    assert capfd.readouterr() == ("", "")
    predict_rows(model, ROWS, tmp_path, write_csv, verbose=1)
    out, err = capfd.readouterr()
    assert out == ""
    assert "12/12" in err


@pytest.mark.slow
def test_worker_processes(tmp_path, write_csv, nci_smiles, monkeypatch):
    monkeypatch.setattr(_parallel, "_LEAST_WORK_TO_START", 0.0)
    model = make_linear_pipeline().fit(X, y)
    expected, _ = predict_rows(model, nci_smiles, tmp_path, write_csv, chunk_size=2_500)
    model.set_params(featurizer__n_jobs=2)
    assert predict_rows(model, nci_smiles, tmp_path, write_csv, chunk_size=2_500)[0] == expected


def test_threads_do_not_mix_up_their_rows(tmp_path):
    X, y = load_solubility(subset="test", return_X_y=True)
    model = make_pipeline(MorganFingerprinter(fp_size=64), Ridge()).fit(X, y)
    files = []
    for number in range(8):
        rows = [X[k] if k % 8 != number else "C(" for k in range(200)]
        files.append(tmp_path / f"{number}.csv")
        files[-1].write_text("\n".join(["smiles", *rows]) + "\n")
    outputs = [path.with_suffix(".out.csv") for path in files]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda *paths: predict_file(model, *paths, chunk_size=20), files, outputs))
    for number, path in enumerate(outputs):
        _, *rows = read_csv(path)
        assert [k for k, row in enumerate(rows) if row[1] == ""] == list(range(number, 200, 8))
