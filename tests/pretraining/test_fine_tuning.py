"""Networks that start from pretrained weights, wherever a network can be used."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score

import skchem_dl
from skchem_dl import MolGNNClassifier, MolGNNRegressor, MolGraphizer, RDKitDescriptors
from skchem_dl.graphs import GraphSchema
from skchem_dl.pipelines import ConsensusRegressor, make_gnn_pipeline
from skchem_dl.pretraining import PretrainedWeights


@pytest.fixture(scope="module")
def graphs(molecules):
    return MolGraphizer().fit_transform(molecules[0])


@pytest.fixture
def model(pretrainer):
    return MolGNNRegressor(pretrained=pretrainer, max_epochs=2, random_state=0)


def test_a_file_weights_and_a_pretrainer_are_the_same(
    model, pretrainer, graphs, molecules, tmp_path
):
    skchem_dl.save(pretrainer, tmp_path / "model.skchem")
    skchem_dl.save(pretrainer.weights_, tmp_path / "weights.skchem")
    expected = model.fit(graphs, molecules[1]).predict(graphs)
    sources = (
        pretrainer.weights_,
        tmp_path / "model.skchem",
        str(tmp_path / "weights.skchem"),
    )
    for pretrained in sources:
        other = clone(model).set_params(pretrained=pretrained).fit(graphs, molecules[1])
        np.testing.assert_array_equal(other.predict(graphs), expected)


def test_half_precision_weights_are_nearly_the_same(model, pretrainer, graphs, molecules):
    half = pretrainer.weights_.astype(np.float16)
    assert {values.dtype for values in half.arrays.values()} == {np.dtype(np.float16)}
    expected = model.fit(graphs, molecules[1]).predict(graphs)
    found = clone(model).set_params(pretrained=half).fit(graphs, molecules[1]).predict(graphs)
    np.testing.assert_allclose(found, expected, atol=0.05)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"hidden_dim": 17}, "hidden_dim=17 contradicts the pretrained weights, whose .* is 16"),
        ({"readout": "mean"}, "readout='mean' contradicts"),
        ({"pretrained": "base-v0"}, "neither a file nor the name of weights .* base-v1"),
    ],
)
def test_what_does_not_fit_is_refused(model, graphs, molecules, params, message):
    with pytest.raises(ValueError, match=message):
        model.set_params(**params).fit(graphs, molecules[1])


def test_other_objects_are_refused(model, graphs, molecules):
    with pytest.raises(TypeError, match="pretrained=3 is of type int; expected None"):
        model.set_params(pretrained=3).fit(graphs, molecules[1])


def test_graphs_of_another_schema_are_refused(model, pretrainer, graphs, molecules):
    weights = pretrainer.weights_
    schema = GraphSchema(weights.schema.atom_fields, weights.schema.bond_fields, version=99)
    other = PretrainedWeights(weights.architecture, schema, weights.arrays)
    with pytest.raises(ValueError, match=r"pretrained weights expect .*version=99"):
        model.set_params(pretrained=other).fit(graphs, molecules[1])


def test_an_equal_parameter_is_no_contradiction(model, graphs, molecules):
    model.set_params(hidden_dim=16, n_layers=3).fit(graphs, molecules[1])
    assert model.module_.head[0][0].in_features == 16


def test_the_head_is_new(model, graphs, molecules):
    model.set_params(head_dims=(7, 5)).fit(graphs, molecules[1])
    assert [layer.out_features for layer in model.module_.head[0][::2]] == [7, 5]


def test_molecule_features_join_the_embedding(pretrainer, molecules):
    X, y = molecules
    featurizer = MolGraphizer(molecule_features=RDKitDescriptors(["MolWt", "TPSA"]))
    model = make_gnn_pipeline(
        featurizer=featurizer, pretrained=pretrainer, max_epochs=1, random_state=0
    ).fit(X, y)
    assert model[-1].module_.head[0][0].in_features == 18
    assert model.predict(X).shape == (len(X),)


def test_a_saved_or_pickled_model_predicts_the_same(model, graphs, molecules, tmp_path):
    expected = model.fit(graphs, molecules[1]).predict(graphs)
    skchem_dl.save(model, tmp_path / "model.skchem")
    for again in (skchem_dl.load(tmp_path / "model.skchem"), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(again.predict(graphs), expected)


def test_a_pickle_holds_the_weights_once(pretrainer, graphs, molecules):
    sizes = []
    for pretrained in (None, pretrainer.weights_):
        model = MolGNNRegressor(pretrained=pretrained, hidden_dim=16, max_epochs=1)
        model.fit(graphs, molecules[1]).set_params(pretrained=None)
        sizes.append(len(pickle.dumps(model.nets_)))
    assert sizes[1] < sizes[0] + 12_000  # the projection, which the other one lacks


def test_a_saved_model_does_not_need_the_file_of_weights(
    model, pretrainer, graphs, molecules, tmp_path
):
    skchem_dl.save(pretrainer.weights_, tmp_path / "weights.skchem")
    model.set_params(pretrained=tmp_path / "weights.skchem", max_epochs="auto")
    model.fit(graphs, molecules[1])
    expected = model.predict(graphs)
    skchem_dl.save(model, tmp_path / "model.skchem")
    (tmp_path / "weights.skchem").unlink()
    loaded = skchem_dl.load(tmp_path / "model.skchem")
    np.testing.assert_array_equal(loaded.predict(graphs), expected)
    with pytest.raises(ValueError, match="neither a file"):
        loaded.fit(graphs, molecules[1])


def test_members_of_an_ensemble_share_the_weights_but_not_the_head(model, graphs, molecules):
    model.set_params(n_members=2, lr=1e-12).fit(graphs, molecules[1])
    one, other = (net.module_ for net in model.nets_)
    np.testing.assert_allclose(
        one.projection.weight.detach(), other.projection.weight.detach(), atol=1e-5
    )
    assert not np.allclose(one.head[0][0].weight.detach(), other.head[0][0].weight.detach())


def test_a_killed_fit_is_continued(model, graphs, molecules, tmp_path):
    from skorch.callbacks import Callback

    class Kill(Callback):
        def on_epoch_begin(self, net, **kwargs):
            if len(net.history) == 2 and not (tmp_path / "killed").exists():
                (tmp_path / "killed").touch()
                raise OSError("killed")

    model.set_params(max_epochs=4)
    expected = clone(model).fit(graphs, molecules[1]).predict(graphs)
    model.set_params(checkpoint_dir=tmp_path, callbacks=[Kill()])
    with pytest.raises(OSError, match="killed"):
        model.fit(graphs, molecules[1])
    np.testing.assert_array_equal(model.fit(graphs, molecules[1]).predict(graphs), expected)


def test_warm_start_continues_with_the_network(model, graphs, molecules):
    model.set_params(warm_start=True, lr=1e-12).fit(graphs, molecules[1])
    before = model.predict(graphs)
    np.testing.assert_allclose(model.fit(graphs, molecules[1]).predict(graphs), before, atol=1e-4)


def test_early_stopping_and_several_targets(model, graphs, molecules):
    y = np.column_stack([molecules[1], -molecules[1]])
    y[::3, 1] = np.nan
    model.set_params(early_stopping=True, max_epochs=3).fit(graphs, y)
    assert model.predict(graphs).shape == y.shape


def test_classification(pretrainer, graphs, molecules):
    model = MolGNNClassifier(pretrained=pretrainer, lr=0.01, max_epochs=15, random_state=0)
    labels = molecules[1] > np.median(molecules[1])
    assert model.fit(graphs, labels).score(graphs, labels) > 0.7


def test_searches_and_cross_validation(pretrainer, molecules):
    X, y = np.array(molecules[0]), molecules[1]
    pipeline = make_gnn_pipeline(pretrained=pretrainer, max_epochs=2, random_state=0)
    assert np.isfinite(cross_val_score(pipeline, X, y, cv=2, n_jobs=2)).all()
    search = GridSearchCV(pipeline, {"estimator__pretrained": [None, pretrainer.weights_]}, cv=2)
    assert np.isfinite(search.fit(X, y).cv_results_["mean_test_score"]).all()


def test_an_unfitted_pretrainer_is_refused(model, pretrainer, graphs, molecules):
    with pytest.raises(TypeError, match=r"expected None, 'auto', one of .* Fit it first"):
        model.set_params(pretrained=clone(pretrainer)).fit(graphs, molecules[1])


def test_clones_share_the_weights(model, pretrainer):
    weights = pretrainer.weights_
    assert clone(model).pretrained is weights
    assert clone(model.set_params(pretrained=weights)).pretrained is weights
    assert clone(model.set_params(pretrained="base-v1")).pretrained == "base-v1"


def test_a_consensus_leaves_the_pretrainer_as_it_is(pretrainer, molecules):
    X, y = molecules
    before = pretrainer.get_params()
    network = make_gnn_pipeline(pretrained=pretrainer, max_epochs=1)
    ConsensusRegressor([("a", network), ("b", clone(network))], random_state=0, cv=2).fit(X, y)
    assert pretrainer.get_params() == before
    assert not any("pretrained__" in name for name in network.get_params())


def test_auto_starts_from_random_weights_if_an_architecture_is_set(graphs, molecules):
    y = molecules[1]
    for params, width in (({}, 450), ({"hidden_dim": 300}, 300), ({"readout": "mean"}, 300)):
        pipeline = make_gnn_pipeline(max_epochs=1, **params)
        network = pipeline[-1].fit(graphs[:20], y[:20])
        assert network.module_.conv.hidden.out_features == width
    explicit = MolGNNRegressor(pretrained="base-v1", hidden_dim=300)
    with pytest.raises(ValueError, match=r"hidden_dim=300 contradicts .* is 450"):
        explicit.fit(graphs, y)


def test_epochs_follow_the_start(graphs, molecules):
    fitted = MolGNNRegressor(pretrained="auto", random_state=0).fit(graphs[:5], molecules[1][:5])
    assert fitted.n_iter_ == 17
    fitted = MolGNNRegressor(hidden_dim=8, random_state=0).fit(graphs[:5], molecules[1][:5])
    assert fitted.n_iter_ == 50


def test_pretrained_weights_learn_more_slowly_than_the_head(model, graphs, molecules):
    model.fit(graphs, molecules[1])
    rates = {group.get("lr_factor", 1.0) for group in model.net_.optimizer_.param_groups}
    assert rates == {1.0, model._pretrained_lr_factor}
    body = model.module_.projection.weight
    (group,) = (
        group
        for group in model.net_.optimizer_.param_groups
        if any(parameter is body for parameter in group["params"])
    )
    assert group["lr_factor"] == model._pretrained_lr_factor < 1


def test_warm_start_refuses_other_weights(model, pretrainer, graphs, molecules):
    model.set_params(warm_start=True).fit(graphs, molecules[1])
    with pytest.raises(ValueError, match="pretrained=None now stands for other weights"):
        model.set_params(pretrained=None).fit(graphs, molecules[1])
    with pytest.raises(ValueError, match="hidden_dim=32 contradicts"):
        model.set_params(pretrained=pretrainer, hidden_dim=32).fit(graphs, molecules[1])
