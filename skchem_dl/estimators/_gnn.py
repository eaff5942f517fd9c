"""Estimators on molecular graphs: graph neural networks."""

from collections.abc import Mapping
from inspect import signature
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions
from torch import nn

from skchem_dl.estimators._base import BaseNeuralEstimator, check_widths
from skchem_dl.estimators._inputs import GraphInputs
from skchem_dl.estimators._mixins import ClassificationMixin, RegressionMixin
from skchem_dl.estimators._pretrained import (
    ARCHITECTURE,
    PretrainedParameterMixin,
    PretrainedWeights,
    resolve_pretrained,
)
from skchem_dl.graphs import MolGraphs
from skchem_dl.nn import (
    ACTIVATIONS,
    BACKENDS,
    CONVS,
    GNN,
    JUMPING_KNOWLEDGE,
    READOUTS,
    SKIPS,
)
from skchem_dl.preprocessing import standardize

_POSITIVE = [Interval(Integral, 1, None, closed="left")]
_EPOCHS, _EPOCHS_OF_FINE_TUNING = 50, 17  # 17 take as long as 50 of the smaller network
_AUTO = {"hidden_dim": 300, "n_layers": 3}  # of networks that start from random weights


class _MolGNN(PretrainedParameterMixin, BaseNeuralEstimator):
    _parameter_constraints: dict[str, list] = {
        **BaseNeuralEstimator._parameter_constraints,
        "pretrained": [object],
        # Views, not copies: what is registered later is known too.
        "conv": [StrOptions(CONVS.keys())],
        "hidden_dim": [*_POSITIVE, StrOptions({"auto"})],
        "n_layers": [*_POSITIVE, StrOptions({"auto"})],
        "batch_norm": ["boolean"],
        "skip": [StrOptions(set(SKIPS))],
        "n_heads": _POSITIVE,
        "average_heads": ["boolean"],
        "virtual_node": ["boolean"],
        "jumping_knowledge": [StrOptions(set(JUMPING_KNOWLEDGE))],
        "readout": [StrOptions(READOUTS.keys())],
        "readout_dim": [*_POSITIVE, None],
        "head_dims": ["array-like"],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "freeze_embedding": ["boolean"],
        "backend": [StrOptions(set(BACKENDS))],
        "max_epochs": [*_POSITIVE, StrOptions({"auto"})],
    }

    _pretrained_lr_factor = 0.3  # chosen by folds; see benchmarks/pretraining.md

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        return tags

    def _read(self, X: Any, *, reset: bool) -> GraphInputs:
        if not isinstance(X, MolGraphs):
            raise TypeError(
                f"{type(self).__name__} expects MolGraphs, got {type(X).__name__}. Make them with "
                "MolGraphizer().fit_transform(smiles), or give SMILES to "
                "skchem_dl.pipelines.make_gnn_pipeline()."
            )
        if not len(X):
            raise ValueError("Found 0 graphs; at least 1 is required.")
        if reset:
            self.schema_ = X.schema
            self._read_pretrained()
        elif X.schema != self.schema_:
            raise ValueError(
                f"The graphs have the schema {X.schema}; fitted on {self.schema_}. Make them with "
                "the MolGraphizer (and version) that made those for fit."
            )
        return GraphInputs(X.with_molecule_features(self._scale_features(X, reset)))

    def _scale_features(self, graphs: MolGraphs, reset: bool) -> np.ndarray | None:
        """Standardise molecule features by the mean and deviation of those in `fit`."""
        features = graphs.molecule_features
        n_features = 0 if features is None else features.shape[1]
        if reset:
            self.n_molecule_features_ = n_features
        if n_features != self.n_molecule_features_:
            raise ValueError(
                f"The graphs have {n_features} molecule features; fitted on "
                f"{self.n_molecule_features_}."
            )
        if features is None:
            return None
        valid = graphs.n_atoms > 0
        _refuse_gaps(features, valid)
        if reset:
            self.feature_mean_ = features[valid].mean(axis=0, dtype=np.float64)
            scale = features[valid].std(axis=0, dtype=np.float64)
            self.feature_scale_ = np.where(scale > 0, scale, 1.0)
        return standardize(features, self.feature_mean_, self.feature_scale_).astype(np.float32)

    def _read_pretrained(self) -> None:
        """Resolve `pretrained`, and check that graphs and parameters fit its weights."""
        self.__dict__.pop("pretrained_architecture_", None)
        weights = self._resolve_pretrained()
        if weights is None:
            return
        if weights.schema != self.schema_:
            raise ValueError(
                f"The graphs have the schema {self.schema_}; the pretrained weights expect "
                f"{weights.schema}. Make the graphs with the version of skchem_dl that the weights "
                "were made with, pretrain again, or set pretrained=None."
            )
        self.pretrained_architecture_ = self._follow(weights)

    def _resolve_pretrained(self) -> PretrainedWeights | None:
        """Return the weights to start from; "auto" has none if they contradict a parameter."""
        weights = resolve_pretrained(self.pretrained)
        if isinstance(self.pretrained, str) and self.pretrained == "auto":
            assert weights is not None
            return None if self._contradictions(weights) else weights
        return weights

    def _contradictions(self, weights: PretrainedWeights) -> list[str]:
        """Return the parameters that are set to other values than the weights need."""
        defaults = {name: p.default for name, p in signature(type(self)).parameters.items()}
        return [
            name
            for name, value in weights.architecture.items()
            if name in defaults and getattr(self, name) not in (value, defaults[name])
        ]

    def _follow(self, weights: PretrainedWeights) -> dict[str, Any]:
        """Return the weights' architecture unless a parameter contradicts it."""
        for name in self._contradictions(weights):
            raise ValueError(
                f"{name}={getattr(self, name)!r} contradicts the pretrained weights, whose {name} "
                f"is {weights.architecture[name]!r}. Leave {name} out, or set pretrained=None."
            )
        return dict(weights.architecture)

    def _n_epochs(self) -> int:
        if self.max_epochs != "auto":
            return self.max_epochs
        return _EPOCHS if self._resolve_pretrained() is None else _EPOCHS_OF_FINE_TUNING

    def _pretrained_arrays(self) -> Mapping[str, np.ndarray] | None:
        weights = self._resolve_pretrained()
        architecture = None if weights is None else self._follow(weights)
        if architecture != vars(self).get("pretrained_architecture_"):
            raise ValueError(
                "warm_start=True continues with the network of the previous fit, but pretrained="
                f"{self.pretrained!r} now stands for other weights. Set it back, or warm_start to "
                "False."
            )
        return None if weights is None else weights.arrays

    def _module(self) -> tuple[type[nn.Module], dict[str, Any]]:
        own = {name: getattr(self, name) for name in (*ARCHITECTURE, "head_dims")}
        own |= {name: value for name, value in _AUTO.items() if own[name] == "auto"}
        own |= vars(self).get("pretrained_architecture_", {})
        own["head_dims"] = check_widths("head_dims", own["head_dims"])
        return GNN, {
            "schema": self.schema_,
            "n_molecule_features": self.n_molecule_features_,
            **own,
            "dropout": self.dropout,
            "freeze_embedding": self.freeze_embedding,
            "backend": self.backend,
        }


def _refuse_gaps(features: np.ndarray, valid: np.ndarray) -> None:
    gaps = ~np.isfinite(features) & valid[:, None]
    if gaps.any():
        row, column = np.argwhere(gaps)[0]
        raise ValueError(
            f"Molecule features contain NaN or infinity in {int(gaps.any(axis=1).sum())} row(s), "
            f"first in row {row}, column {column}: {features[row, column]}. Put an imputer behind "
            "the transformer: MolGraphizer(molecule_features=make_pipeline(RDKitDescriptors(), "
            "SimpleImputer())). (MolGraphizer imputes those of descriptors only.)"
        )


class MolGNNRegressor(RegressionMixin, _MolGNN):
    """Graph neural network for regression on molecular graphs.

    X is a `MolGraphs`, as `MolGraphizer` makes it; its molecule features, if any, are standardised,
    cut off at five standard deviations, and joined to the readout. An empty graph stands for an
    invalid molecule: it is left out of `fit` and `score` and predicted as NaN.

    Parameters
    ----------
    pretrained : str, path, PretrainedWeights or fitted MolGNNPretrainer, default=None
        Weights to start from: the name of those that come with the package ("base-v1"), a file of
        `skchem_dl.save`, or what was pretrained with `skchem_dl.pretraining.MolGNNPretrainer`.
        They decide the architecture (`conv`, `hidden_dim`, ...): a parameter that is set to
        another value raises. "auto" is those of the package, unless a parameter of the
        architecture is set. None draws weights at random.
    conv : {"dmpnn", "gcn", "sage", "gin", "gine", "gat", "gatv2", "mpnn", "attentivefp"}, \
default="dmpnn"
        How atoms hear of each other; see `skchem_dl.nn.CONVS`. "gcn" [2]_, "sage" and "gin" see
        no bond orders, the others do. "dmpnn" is chemprop's [1]_. "mpnn" has a matrix for each
        kind of bond: set `hidden_dim` to 64 or so.
    hidden_dim : int or "auto", default="auto"
        Width of the hidden states of atoms or bonds; "auto" is 300, or that of pretrained weights.
    n_layers : int or "auto", default="auto"
        Message-passing layers; for "dmpnn" and "attentivefp" the depth, that counts the first
        states. "auto" is 3, or the number in pretrained weights.
    batch_norm : bool, default=False
        Normalise the vectors after each convolution.
    skip : {"none", "residual", "gated"}, default="none"
        Add the vectors from before each convolution, or let a learnt gate mix them.
    n_heads : int, default=4
        Attentions side by side in "gat" and "gatv2"; has to divide `hidden_dim`.
    average_heads : bool, default=False
        Let the readout of "gat" and "gatv2" see the mean of the heads, ``hidden_dim / n_heads``
        wide, and not all heads.
    virtual_node : bool, default=False
        Let each molecule have a node that all its atoms hear and speak to before each convolution.
    jumping_knowledge : {"last", "concat", "max"}, default="last"
        Which convolutions the readout sees: the last, all side by side, or each unit's highest
        [3]_.
    readout : {"mean", "sum", "max", "sum_mean_max", "weighted_sum_max", "attention", "set2set", \
"attentivefp"}, default="sum_mean_max"
        Over a molecule's atoms.
    readout_dim : int, default=None
        Width of a linear layer behind the readout; None has none.
    head_dims : sequence of int, default=(300,)
        Hidden layers between readout and output.
    activation : {"relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "sigmoid"}, default="relu"
        Behind each convolution and hidden layer.
    dropout : float, default=0.0
        Share of units left out after each convolution and hidden layer.
    freeze_embedding : bool, default=False
        Leave the vectors of atom and bond codes as they are drawn at random.
    backend : {"auto", "dgl", "torch"}, default="auto"
        What passes the messages; results are equal, and "auto" is torch, the faster one.
    loss : {"mse", "mae", "huber", "quantile"}, default="mse"
        Squared error; absolute error; squared up to 1 and absolute beyond; or the pinball loss of
        a quantile [9]_. On standardised targets where `normalize_y` is on.
    quantile : float, default=0.5
        Which quantile ``loss="quantile"`` learns: 0.9 is exceeded by one molecule in ten.
    normalize_y : bool, default=True
        Learn on targets of mean 0 and standard deviation 1.
    optimizer : {"adam", "adamw", "rmsprop", "sgd"} or torch optimizer class, default="adam"
        Adam [4]_, AdamW [5]_ and torch's others; a class has to take groups of parameters, `lr`
        and `weight_decay`.
    lr : float, default=1e-3
        Learning rate (its highest value, where a schedule changes it).
    lr_schedule : {"constant", "cosine", "one_cycle", "plateau"} or callable, default="cosine"
        How the learning rate changes. "cosine" [6]_ and "one_cycle" [7]_ warm up first; "plateau"
        halves it when the loss stops falling; a callable maps progress (0 to 1) to a factor of
        `lr`.
    momentum : float, default=0.9
        Of "sgd" only; 0 is plain gradient descent.
    weight_decay : float, default=0.0
        L2 penalty on weight matrices (decoupled for "adamw"); biases and norms are left alone.
    max_grad_norm : float, default=None
        Scale gradients down to this norm.
    batch_size : int or "auto", default="auto"
        Molecules a training step; "auto" makes about 64 steps an epoch, of 32 to 256 molecules.
    predict_batch_size : int, default=1024
        Molecules a step of prediction and validation; for memory and speed.
    max_epochs : int or "auto", default="auto"
        Passes over the training molecules; "auto" is 50, or 17 from pretrained weights.
    early_stopping : bool, default=False
        Hold molecules out, stop when their loss (averaged over three epochs) no longer gets
        better, and restore the best epoch.
    validation_fraction : float, default=0.1
        Share held out for early stopping.
    n_iter_no_change : int, default=10
        Epochs without improvement before early stopping.
    n_members : int, default=1
        Networks trained from different seeds on the same molecules; their mean is the prediction,
        their spread `predict`'s ``return_std`` [8]_.
    precision : {"float32", "bfloat16"}, default="float32"
        Of matrix products; "bfloat16" is faster on processors and GPUs that have it, and coarser.
    device : str, default="auto"
        "auto" is a GPU where torch sees one, and the CPU otherwise.
    warm_start : bool, default=False
        `fit` goes on from the weights of the fit before, with its scaling of y and its classes.
    random_state : int, RandomState or None, default=None
        The same int gives bitwise the same model on the same machine and number of threads.
    log_dir : path, default=None
        Each fit makes a folder in here for TensorBoard, with plain CSV and JSON beside; see
        `skchem_dl.callbacks.TensorBoardLogger`.
    checkpoint_dir : path, default=None
        A fit that was killed goes on from here when it is called again; see
        `skchem_dl.callbacks.Checkpoint`.
    callbacks : list of skorch callbacks, default=None
        Each fit has copies of them. `set_callbacks` takes scikit-learn's own kind.
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    nets_ : list of skorch.NeuralNet
        The trained members.
    net_ : skorch.NeuralNet
        The first of them.
    module_ : torch.nn.Module
        Its module.
    embedding_dim_ : int
        Width of what `embed` gives.
    history_ : list of dict
        Losses, metrics, learning rate and seconds of each epoch, and whether its weights were
        kept; ``pandas.DataFrame(history_)`` is a table.
    n_iter_ : int
        Epochs trained.
    n_invalid_, n_unlabelled_ : int
        Rows that `fit` left out: invalid molecules, and those without any target.
    run_dir_ : str
        Where the fit was logged, with ``log_dir`` only.
    schema_ : GraphSchema
        What the graphs' codes mean.
    n_molecule_features_ : int
        How many numbers each molecule has besides its graph.
    feature_mean_, feature_scale_ : ndarray of shape (n_molecule_features,), float64
        Their means and standard deviations in `fit`, where there are any.

    See Also
    --------
    FingerprintMLPRegressor, SmilesCNNRegressor : The other two kinds of network.
    skchem_dl.pipelines.make_gnn_pipeline : With the featuriser in front.

    References
    ----------
    .. [1] Yang, K. et al. Analyzing Learned Molecular Representations for Property Prediction.
       J. Chem. Inf. Model. 2019, 59, 3370-3388. https://doi.org/10.1021/acs.jcim.9b00237
    .. [2] Kipf, T. N.; Welling, M. Semi-Supervised Classification with Graph Convolutional
       Networks. ICLR 2017. https://doi.org/10.48550/arXiv.1609.02907
    .. [3] Xu, K. et al. Representation Learning on Graphs with Jumping Knowledge Networks. ICML
       2018. https://doi.org/10.48550/arXiv.1806.03536
    .. [4] Kingma, D. P.; Ba, J. Adam: A Method for Stochastic Optimization. ICLR 2015.
       https://doi.org/10.48550/arXiv.1412.6980
    .. [5] Loshchilov, I.; Hutter, F. Decoupled Weight Decay Regularization. ICLR 2019.
       https://doi.org/10.48550/arXiv.1711.05101
    .. [6] Loshchilov, I.; Hutter, F. SGDR: Stochastic Gradient Descent with Warm Restarts. ICLR
       2017. https://doi.org/10.48550/arXiv.1608.03983
    .. [7] Smith, L. N.; Topin, N. Super-Convergence. 2018.
       https://doi.org/10.48550/arXiv.1708.07120
    .. [8] Lakshminarayanan, B.; Pritzel, A.; Blundell, C. Simple and Scalable Predictive
       Uncertainty Estimation Using Deep Ensembles. NeurIPS 2017.
       https://doi.org/10.48550/arXiv.1612.01474
    .. [9] Koenker, R.; Bassett, G. Regression Quantiles. Econometrica 1978, 46, 33.
       https://doi.org/10.2307/1913643

    Examples
    --------
    >>> from skchem_dl import MolGNNRegressor, MolGraphizer
    >>> from skchem_dl.datasets import load_solubility
    >>> X, y = load_solubility(return_X_y=True)
    >>> X = MolGraphizer().fit_transform(X[:50])
    >>> model = MolGNNRegressor(max_epochs=2, random_state=0).fit(X, y[:50])
    >>> model.predict(X[:3]).shape
    (3,)
    """

    _parameter_constraints: dict[str, list] = {
        **_MolGNN._parameter_constraints,
        **RegressionMixin._regression_constraints,
    }

    def __init__(
        self,
        *,
        pretrained=None,
        conv="dmpnn",
        hidden_dim="auto",
        n_layers="auto",
        batch_norm=False,
        skip="none",
        n_heads=4,
        average_heads=False,
        virtual_node=False,
        jumping_knowledge="last",
        readout="sum_mean_max",
        readout_dim=None,
        head_dims=(300,),
        activation="relu",
        dropout=0.0,
        freeze_embedding=False,
        backend="auto",
        loss="mse",
        quantile=0.5,
        normalize_y=True,
        optimizer="adam",
        lr=1e-3,
        lr_schedule="cosine",
        momentum=0.9,
        weight_decay=0.0,
        max_grad_norm=None,
        batch_size="auto",
        predict_batch_size=1024,
        max_epochs="auto",
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        n_members=1,
        precision="float32",
        device="auto",
        warm_start=False,
        random_state=None,
        log_dir=None,
        checkpoint_dir=None,
        callbacks=None,
        verbose=0,
    ):
        super().__init__(
            loss=loss,
            optimizer=optimizer,
            lr=lr,
            lr_schedule=lr_schedule,
            momentum=momentum,
            weight_decay=weight_decay,
            max_grad_norm=max_grad_norm,
            batch_size=batch_size,
            predict_batch_size=predict_batch_size,
            max_epochs=max_epochs,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change,
            n_members=n_members,
            precision=precision,
            device=device,
            warm_start=warm_start,
            random_state=random_state,
            log_dir=log_dir,
            checkpoint_dir=checkpoint_dir,
            callbacks=callbacks,
            verbose=verbose,
        )
        self.pretrained = pretrained
        self.conv = conv
        self.hidden_dim = hidden_dim
        self.n_layers = n_layers
        self.batch_norm = batch_norm
        self.skip = skip
        self.n_heads = n_heads
        self.average_heads = average_heads
        self.virtual_node = virtual_node
        self.jumping_knowledge = jumping_knowledge
        self.readout = readout
        self.readout_dim = readout_dim
        self.head_dims = head_dims
        self.activation = activation
        self.dropout = dropout
        self.freeze_embedding = freeze_embedding
        self.backend = backend
        self.quantile = quantile
        self.normalize_y = normalize_y


class MolGNNClassifier(ClassificationMixin, _MolGNN):
    """Graph neural network for classification on molecular graphs.

    X is a `MolGraphs`, as `MolGraphizer` makes it; its molecule features, if any, are standardised,
    cut off at five standard deviations, and joined to the readout. An empty graph stands for an
    invalid molecule: it is left out of `fit` and `score` and predicted as NaN.

    Parameters
    ----------
    pretrained : str, path, PretrainedWeights or fitted MolGNNPretrainer, default=None
        Weights to start from: the name of those that come with the package ("base-v1"), a file of
        `skchem_dl.save`, or what was pretrained with `skchem_dl.pretraining.MolGNNPretrainer`.
        They decide the architecture (`conv`, `hidden_dim`, ...): a parameter that is set to
        another value raises. "auto" is those of the package, unless a parameter of the
        architecture is set. None draws weights at random.
    conv : {"dmpnn", "gcn", "sage", "gin", "gine", "gat", "gatv2", "mpnn", "attentivefp"}, \
default="dmpnn"
        How atoms hear of each other; see `skchem_dl.nn.CONVS`. "gcn" [2]_, "sage" and "gin" see
        no bond orders, the others do. "dmpnn" is chemprop's [1]_. "mpnn" has a matrix for each
        kind of bond: set `hidden_dim` to 64 or so.
    hidden_dim : int or "auto", default="auto"
        Width of the hidden states of atoms or bonds; "auto" is 300, or that of pretrained weights.
    n_layers : int or "auto", default="auto"
        Message-passing layers; for "dmpnn" and "attentivefp" the depth, that counts the first
        states. "auto" is 3, or the number in pretrained weights.
    batch_norm : bool, default=False
        Normalise the vectors after each convolution.
    skip : {"none", "residual", "gated"}, default="none"
        Add the vectors from before each convolution, or let a learnt gate mix them.
    n_heads : int, default=4
        Attentions side by side in "gat" and "gatv2"; has to divide `hidden_dim`.
    average_heads : bool, default=False
        Let the readout of "gat" and "gatv2" see the mean of the heads, ``hidden_dim / n_heads``
        wide, and not all heads.
    virtual_node : bool, default=False
        Let each molecule have a node that all its atoms hear and speak to before each convolution.
    jumping_knowledge : {"last", "concat", "max"}, default="last"
        Which convolutions the readout sees: the last, all side by side, or each unit's highest
        [3]_.
    readout : {"mean", "sum", "max", "sum_mean_max", "weighted_sum_max", "attention", "set2set", \
"attentivefp"}, default="sum_mean_max"
        Over a molecule's atoms.
    readout_dim : int, default=None
        Width of a linear layer behind the readout; None has none.
    head_dims : sequence of int, default=(300,)
        Hidden layers between readout and output.
    activation : {"relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "sigmoid"}, default="relu"
        Behind each convolution and hidden layer.
    dropout : float, default=0.0
        Share of units left out after each convolution and hidden layer.
    freeze_embedding : bool, default=False
        Leave the vectors of atom and bond codes as they are drawn at random.
    backend : {"auto", "dgl", "torch"}, default="auto"
        What passes the messages; results are equal, and "auto" is torch, the faster one.
    loss : {"log_loss", "focal"}, default="log_loss"
        "focal" [9]_ lets labels that are already right count less, for rare classes.
    class_weight : dict or "balanced", default=None
        How much each class counts; "balanced" gives all classes the same say, in each column of
        several labels.
    optimizer : {"adam", "adamw", "rmsprop", "sgd"} or torch optimizer class, default="adam"
        Adam [4]_, AdamW [5]_ and torch's others; a class has to take groups of parameters, `lr`
        and `weight_decay`.
    lr : float, default=1e-3
        Learning rate (its highest value, where a schedule changes it).
    lr_schedule : {"constant", "cosine", "one_cycle", "plateau"} or callable, default="cosine"
        How the learning rate changes. "cosine" [6]_ and "one_cycle" [7]_ warm up first; "plateau"
        halves it when the loss stops falling; a callable maps progress (0 to 1) to a factor of
        `lr`.
    momentum : float, default=0.9
        Of "sgd" only; 0 is plain gradient descent.
    weight_decay : float, default=0.0
        L2 penalty on weight matrices (decoupled for "adamw"); biases and norms are left alone.
    max_grad_norm : float, default=None
        Scale gradients down to this norm.
    batch_size : int or "auto", default="auto"
        Molecules a training step; "auto" makes about 64 steps an epoch, of 32 to 256 molecules.
    predict_batch_size : int, default=1024
        Molecules a step of prediction and validation; for memory and speed.
    max_epochs : int or "auto", default="auto"
        Passes over the training molecules; "auto" is 50, or 17 from pretrained weights.
    early_stopping : bool, default=False
        Hold molecules out, stop when their ROC AUC (averaged over three epochs) no longer gets
        better, and restore the best epoch.
    validation_fraction : float, default=0.1
        Share held out for early stopping.
    n_iter_no_change : int, default=10
        Epochs without improvement before early stopping.
    n_members : int, default=1
        Networks trained from different seeds on the same molecules; their mean probabilities
        are the prediction [8]_.
    precision : {"float32", "bfloat16"}, default="float32"
        Of matrix products; "bfloat16" is faster on processors and GPUs that have it, and coarser.
    device : str, default="auto"
        "auto" is a GPU where torch sees one, and the CPU otherwise.
    warm_start : bool, default=False
        `fit` goes on from the weights of the fit before, with its scaling of y and its classes.
    random_state : int, RandomState or None, default=None
        The same int gives bitwise the same model on the same machine and number of threads.
    log_dir : path, default=None
        Each fit makes a folder in here for TensorBoard, with plain CSV and JSON beside; see
        `skchem_dl.callbacks.TensorBoardLogger`.
    checkpoint_dir : path, default=None
        A fit that was killed goes on from here when it is called again; see
        `skchem_dl.callbacks.Checkpoint`.
    callbacks : list of skorch callbacks, default=None
        Each fit has copies of them. `set_callbacks` takes scikit-learn's own kind.
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels in the order of `predict_proba`; numbers of the columns of y for several labels.
    nets_ : list of skorch.NeuralNet
        The trained members.
    net_ : skorch.NeuralNet
        The first of them.
    module_ : torch.nn.Module
        Its module.
    embedding_dim_ : int
        Width of what `embed` gives.
    history_ : list of dict
        Losses, metrics, learning rate and seconds of each epoch, and whether its weights were
        kept; ``pandas.DataFrame(history_)`` is a table.
    n_iter_ : int
        Epochs trained.
    n_invalid_, n_unlabelled_ : int
        Rows that `fit` left out: invalid molecules, and those without any target.
    run_dir_ : str
        Where the fit was logged, with ``log_dir`` only.
    schema_ : GraphSchema
        What the graphs' codes mean.
    n_molecule_features_ : int
        How many numbers each molecule has besides its graph.
    feature_mean_, feature_scale_ : ndarray of shape (n_molecule_features,), float64
        Their means and standard deviations in `fit`, where there are any.

    See Also
    --------
    FingerprintMLPClassifier, SmilesCNNClassifier : The other two kinds of network.
    skchem_dl.pipelines.make_gnn_pipeline : With the featuriser in front.

    References
    ----------
    .. [1] Yang, K. et al. Analyzing Learned Molecular Representations for Property Prediction.
       J. Chem. Inf. Model. 2019, 59, 3370-3388. https://doi.org/10.1021/acs.jcim.9b00237
    .. [2] Kipf, T. N.; Welling, M. Semi-Supervised Classification with Graph Convolutional
       Networks. ICLR 2017. https://doi.org/10.48550/arXiv.1609.02907
    .. [3] Xu, K. et al. Representation Learning on Graphs with Jumping Knowledge Networks. ICML
       2018. https://doi.org/10.48550/arXiv.1806.03536
    .. [4] Kingma, D. P.; Ba, J. Adam: A Method for Stochastic Optimization. ICLR 2015.
       https://doi.org/10.48550/arXiv.1412.6980
    .. [5] Loshchilov, I.; Hutter, F. Decoupled Weight Decay Regularization. ICLR 2019.
       https://doi.org/10.48550/arXiv.1711.05101
    .. [6] Loshchilov, I.; Hutter, F. SGDR: Stochastic Gradient Descent with Warm Restarts. ICLR
       2017. https://doi.org/10.48550/arXiv.1608.03983
    .. [7] Smith, L. N.; Topin, N. Super-Convergence. 2018.
       https://doi.org/10.48550/arXiv.1708.07120
    .. [8] Lakshminarayanan, B.; Pritzel, A.; Blundell, C. Simple and Scalable Predictive
       Uncertainty Estimation Using Deep Ensembles. NeurIPS 2017.
       https://doi.org/10.48550/arXiv.1612.01474
    .. [9] Lin, T.-Y. et al. Focal Loss for Dense Object Detection. ICCV 2017.
       https://doi.org/10.48550/arXiv.1708.02002

    Examples
    --------
    >>> from skchem_dl import MolGNNClassifier, MolGraphizer
    >>> from skchem_dl.datasets import load_solubility
    >>> X, y = load_solubility(return_X_y=True)
    >>> X = MolGraphizer().fit_transform(X[:50])
    >>> model = MolGNNClassifier(max_epochs=2, random_state=0).fit(X, y[:50] > -3)
    >>> model.predict_proba(X[:3]).shape
    (3, 2)
    """

    _parameter_constraints: dict[str, list] = {
        **_MolGNN._parameter_constraints,
        **ClassificationMixin._classification_constraints,
    }

    def __init__(
        self,
        *,
        pretrained=None,
        conv="dmpnn",
        hidden_dim="auto",
        n_layers="auto",
        batch_norm=False,
        skip="none",
        n_heads=4,
        average_heads=False,
        virtual_node=False,
        jumping_knowledge="last",
        readout="sum_mean_max",
        readout_dim=None,
        head_dims=(300,),
        activation="relu",
        dropout=0.0,
        freeze_embedding=False,
        backend="auto",
        loss="log_loss",
        class_weight=None,
        optimizer="adam",
        lr=1e-3,
        lr_schedule="cosine",
        momentum=0.9,
        weight_decay=0.0,
        max_grad_norm=None,
        batch_size="auto",
        predict_batch_size=1024,
        max_epochs="auto",
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        n_members=1,
        precision="float32",
        device="auto",
        warm_start=False,
        random_state=None,
        log_dir=None,
        checkpoint_dir=None,
        callbacks=None,
        verbose=0,
    ):
        super().__init__(
            loss=loss,
            optimizer=optimizer,
            lr=lr,
            lr_schedule=lr_schedule,
            momentum=momentum,
            weight_decay=weight_decay,
            max_grad_norm=max_grad_norm,
            batch_size=batch_size,
            predict_batch_size=predict_batch_size,
            max_epochs=max_epochs,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change,
            n_members=n_members,
            precision=precision,
            device=device,
            warm_start=warm_start,
            random_state=random_state,
            log_dir=log_dir,
            checkpoint_dir=checkpoint_dir,
            callbacks=callbacks,
            verbose=verbose,
        )
        self.pretrained = pretrained
        self.conv = conv
        self.hidden_dim = hidden_dim
        self.n_layers = n_layers
        self.batch_norm = batch_norm
        self.skip = skip
        self.n_heads = n_heads
        self.average_heads = average_heads
        self.virtual_node = virtual_node
        self.jumping_knowledge = jumping_knowledge
        self.readout = readout
        self.readout_dim = readout_dim
        self.head_dims = head_dims
        self.activation = activation
        self.dropout = dropout
        self.freeze_embedding = freeze_embedding
        self.backend = backend
        self.class_weight = class_weight
