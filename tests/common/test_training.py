"""How every kind of network is steered, stopped, resumed and continued."""

import numpy as np
import pytest
import torch
from cases import assert_same, classifiers, data, features, neural, outputs, regressors, rows_of
from sklearn import config_context
from sklearn.base import clone, is_classifier
from sklearn.model_selection import GroupKFold, cross_val_score
from skorch.callbacks import Callback

import skchem_dl
from skchem_dl.callbacks import Checkpoint


def history(model):
    return [{name: v for name, v in row.items() if name != "dur"} for row in model.history_]


def weights(model):
    return np.concatenate([p.detach().numpy().ravel() for p in model.module_.parameters()])


class PowerCut(Callback):
    """Ends a fit after some epochs, as long as there is no power."""

    power = True

    def __init__(self, epoch=3):
        self.epoch = epoch

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == self.epoch and not self.power:
            raise RuntimeError("power cut")


@neural
def test_resume(make, smiles, tmp_path, monkeypatch):
    callbacks = [PowerCut(), Checkpoint(every=1)]
    model = make().set_params(
        max_epochs=6, dropout=0.3, checkpoint_dir=str(tmp_path), callbacks=callbacks
    )
    X, y = data(model, smiles)
    whole = clone(model).fit(X, y)
    monkeypatch.setattr(PowerCut, "power", False)
    with pytest.raises(RuntimeError, match="power cut"):
        model.fit(X, y)
    assert len(list(tmp_path.glob("*/*.ckpt"))) == 2
    monkeypatch.setattr(PowerCut, "power", True)
    model.fit(X, y)
    assert history(model) == history(whole)
    assert_same(outputs(model, X), outputs(whole, X))
    assert list(tmp_path.iterdir()) == []


@neural
def test_save_and_load_of_everything_new(make, smiles, tmp_path):
    model = make().set_params(
        batch_size="auto", precision="bfloat16", optimizer="sgd", lr_schedule="plateau", n_members=2
    )
    model.set_params(loss="focal" if is_classifier(model) else "quantile")
    X, y = data(model, smiles)
    model.fit(X, y)
    skchem_dl.save(model, tmp_path / "model.skchem")
    loaded = skchem_dl.load(tmp_path / "model.skchem")
    assert_same(outputs(loaded, X), outputs(model, X))
    assert loaded.history_ == model.history_


@neural
def test_groups_stay_together(make, smiles):
    model = make().set_params(early_stopping=True, validation_fraction=0.3, max_epochs=1)
    X, y = data(model, smiles)
    groups = np.array([f"scaffold {len(text) % 5}" for text in smiles], dtype=object)
    seen = {}

    class Look(Callback):
        def on_train_begin(self, net, X=None, **kwargs):
            seen.update(training=X[0].rows, validation=X[1].rows)

    model.set_params(callbacks=[Look()]).fit(X, y, groups=groups)
    training, validation = (set(groups[rows]) for rows in seen.values())
    assert training and validation
    assert not training & validation
    assert sum(map(len, seen.values())) == len(smiles)
    with pytest.raises(ValueError, match=r"are in 'one'. Pass X_val and y_val"):
        model.fit(X, y, groups=["one"] * len(smiles))


@neural
def test_groups_reach_the_fit_by_routing(make, smiles):
    seen = []

    class Look(Callback):
        def on_train_begin(self, net, X=None, **kwargs):
            seen.append(X[1] is not None)

    model = make().set_params(early_stopping=True, max_epochs=1, callbacks=[Look()])
    X, y = data(model, smiles)
    groups = np.arange(len(smiles)) // 4
    with config_context(enable_metadata_routing=True):
        scores = cross_val_score(
            model, X, y, cv=GroupKFold(2), params={"groups": groups}, error_score="raise"
        )
    assert np.isfinite(scores).all()
    assert seen == [True, True]


@neural
@pytest.mark.parametrize("early_stopping", [False, True])
def test_own_validation_set(make, early_stopping, smiles):
    model = make().set_params(early_stopping=early_stopping, max_epochs=4, lr=0.05)
    X, y = data(model, smiles)
    rows, held_out = np.arange(20), np.arange(20, len(smiles))
    X_val, y_val = rows_of(X, held_out), y[held_out]
    model.fit(rows_of(X, rows), y[rows], X_val=X_val, y_val=y_val)
    last = model.history_[-1]
    if not early_stopping:  # the last epoch is the one that was kept
        score = "valid_accuracy" if is_classifier(model) else "valid_r2"
        assert last[score] == pytest.approx(model.score(X_val, y_val), rel=1e-4)
        plain = clone(model).fit(rows_of(X, rows), y[rows])
        assert_same(outputs(model, X), outputs(plain, X))  # it is only looked at
    assert ("valid_loss_smoothed" in last) == early_stopping


@neural
def test_a_validation_set_that_does_not_fit(make, smiles):
    model = make()
    X, y = data(model, smiles)
    with pytest.raises(ValueError, match="X_val was passed without y_val; pass both"):
        model.fit(X, y, X_val=X)
    with pytest.raises(ValueError, match="y_val was passed without X_val; pass both"):
        model.fit(X, y, y_val=y)
    with pytest.raises(ValueError, match="In X_val and y_val: Found input variables with incons"):
        model.fit(X, y, X_val=X, y_val=y[:3])
    with pytest.raises(TypeError, match=r"^In X_val and y_val: .*expects .*transform_input=\["):
        model.fit(X, y, X_val=list(smiles), y_val=y)
    wrong = np.array(["new"] * len(y)) if is_classifier(model) else np.column_stack([y, y])
    with pytest.raises(ValueError, match=r"In X_val and y_val: y has the (label|shape)"):
        model.fit(X, y, X_val=X, y_val=wrong)


@neural
def test_warm_start(make, smiles):
    model = make().set_params(warm_start=True, max_epochs=3, lr_schedule="constant")
    X, y = data(model, smiles)
    first = weights(model.fit(X, y)).copy()
    task = model._task
    model.set_params(lr=1e-9, max_epochs=1).fit(rows_of(X, range(16)), y[:16])
    np.testing.assert_allclose(weights(model), first, atol=1e-6)
    assert model._task is task
    assert model.n_iter_ == 1
    anew = clone(model).set_params(max_epochs=3, lr=0.01).fit(X, y)
    np.testing.assert_array_equal(weights(anew), first)


@classifiers
def test_warm_start_keeps_its_classes(make, smiles):
    model = make().set_params(warm_start=True)
    X, _ = data(model, smiles)
    y = np.resize(["a", "b", "c"], len(smiles))
    model.fit(X, y).fit(X, np.resize(["a", "b"], len(smiles)))
    assert model.classes_.tolist() == ["a", "b", "c"]
    assert model.predict_proba(X).shape == (len(smiles), 3)
    with pytest.raises(ValueError, match=r"the label\(s\) \['d'\], which are not among"):
        model.fit(X, np.resize(["a", "d"], len(smiles)))


@regressors
def test_warm_start_of_another_network(make, smiles):
    model = make().set_params(warm_start=True)
    X, y = data(model, smiles)
    model.fit(X, y)
    with pytest.raises(ValueError, match=r"y has the shape \(32, 2\); expected \(n,\)"):
        model.fit(X, np.column_stack([y, y]))
    width = next(n for n in ("hidden_dim", "hidden_dims", "n_filters") if hasattr(model, n))
    model.set_params(**{width: (5,) if width == "hidden_dims" else 5})
    with pytest.raises(ValueError, match="warm_start=True goes on with the network of the fit"):
        model.fit(X, y)


@neural
def test_bfloat16(make, smiles):
    model = make().set_params(precision="bfloat16", max_epochs=10, lr=0.03, batch_size=8)
    X, y = data(model, smiles)
    model.fit(X, y)
    assert {p.dtype for p in model.module_.parameters()} == {torch.float32}
    low = outputs(model, X)
    high = outputs(model.set_params(precision="float32").fit(X, y), X)
    assert not np.array_equal(low["embed"], high["embed"])
    assert {values.dtype for name, values in low.items() if name == "embed"} == {np.dtype("f4")}
    assert model.score(X, y) > 0.3


@neural
def test_rows_left_out_are_counted(make, smiles):
    model = make()
    with pytest.warns(skchem_dl.InvalidMoleculeWarning):
        X = features(model, [*smiles[:8], "no molecule"], on_invalid="nan")
    y = np.zeros((9, 2))
    y[::2] = 1
    y[[1, 2]] = np.nan
    y[3, 0] = np.nan
    model.fit(X, y)
    assert (model.n_invalid_, model.n_unlabelled_) == (1, 2)
    with pytest.raises(ValueError, match="learnt from: 1 are invalid molecules, 8 have no target"):
        model.fit(X, np.full((9, 2), np.nan))


@neural
def test_multi_task_metrics(make, smiles):
    model = make().set_params(max_epochs=2)
    X = features(model, smiles)
    y = np.random.default_rng(0).integers(0, 2, (len(smiles), 3)).astype(float)
    y[np.random.default_rng(1).random(y.shape) < 0.3] = np.nan
    model.fit(X, y, X_val=X, y_val=y)
    last = model.history_[-1]
    if is_classifier(model):
        predicted = model.predict(X)
        expected = (predicted == y)[~np.isnan(y)].mean()
        assert last["valid_label_accuracy"] == pytest.approx(expected)
        assert 0 <= last["valid_roc_auc"] <= 1
    else:
        errors = np.sqrt(np.nanmean((model.predict(X) - y) ** 2, axis=0))
        assert last["valid_rmse"] == pytest.approx(errors.mean(), rel=1e-4)
        assert last["valid_r2"] == pytest.approx(model.score(X, y), rel=1e-3)


@classifiers
def test_class_weight_is_sample_weight(make, smiles):
    model = make()
    X, y = data(model, smiles)
    per_class = {0: 1.0, 1: 3.0}
    by_class = clone(model).set_params(class_weight=per_class).fit(X, y)
    by_sample = clone(model).fit(X, y, sample_weight=np.where(y == 1, 3.0, 1.0))
    assert_same(outputs(by_class, X), outputs(by_sample, X))
    balanced = clone(model).set_params(class_weight="balanced").fit(X, y)
    counts = np.bincount(y)
    even = clone(model).fit(X, y, sample_weight=(len(y) / (2 * counts))[y])
    assert_same(outputs(balanced, X), outputs(even, X))


@classifiers
def test_class_weight_of_several_labels_is_a_column_each(make, smiles):
    model = make().set_params(class_weight="balanced")
    X = features(model, smiles)
    y = np.zeros((len(smiles), 2))
    y[:4, 0] = y[:16, 1] = 1
    y[5, 0] = np.nan
    model.fit(X, y)
    found = model._task.weights(y.astype(np.float32))
    assert found[0].tolist() == pytest.approx([31 / 8, 1])
    assert found[20].tolist() == pytest.approx([31 / 54, 1])


@classifiers
def test_class_weight_of_a_label_that_a_fold_has_not(make, smiles):
    model = make().set_params(class_weight={1: 10})
    y = np.zeros((len(smiles), 2))
    y[:4, 0] = 1
    model.fit(features(model, smiles), y)
    found = model._task.weights(y.astype(np.float32))
    assert (found[0, 0], found[0, 1], found[9].tolist()) == (10, 1, [1, 1])


@classifiers
def test_class_weight_of_names(make, smiles):
    model = make().set_params(class_weight={"1": 5})
    X, y = data(model, smiles)
    by_number = clone(model).set_params(class_weight={1: 5}).fit(X, y)
    model.fit(X, y.astype(str))
    assert_same(model.predict_proba(X), by_number.predict_proba(X))
    with pytest.raises(ValueError, match=r"class_weight has \['2'\]; the classes are \['0', '1'\]"):
        model.set_params(class_weight={"1": 5, "2": 3}).fit(X, y.astype(str))


@neural
def test_sample_weight(make, smiles):
    model = make()
    X, y = data(model, smiles)
    weight = np.ones(len(y))
    weight[::3] = 0.0
    counted = np.flatnonzero(weight)
    weighted = clone(model).fit(X, y, sample_weight=weight)
    alone = clone(model).fit(rows_of(X, counted), y[counted])
    assert_same(outputs(weighted, X), outputs(alone, X), rtol=1e-5, atol=1e-6)
    heavy = clone(model).fit(X, y, sample_weight=1.0 + 9.0 * (np.arange(len(y)) < 3))
    assert not np.array_equal(weights(heavy), weights(clone(model).fit(X, y)))
    with pytest.raises(ValueError, match="Negative values"):
        model.fit(X, y, sample_weight=-weight)
