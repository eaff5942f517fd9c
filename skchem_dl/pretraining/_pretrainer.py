"""An estimator that learns a graph network from molecules alone."""

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from numbers import Integral, Real
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from sklearn.base import TransformerMixin
from sklearn.utils._param_validation import Interval
from torch import nn
from tqdm.auto import tqdm

from skchem_dl._fit_tasks import with_callbacks
from skchem_dl.callbacks._fit_report import FitReport
from skchem_dl.estimators._base import _fitted_attributes
from skchem_dl.estimators._data import TrainingRows
from skchem_dl.estimators._engine import get_weights, run_rows
from skchem_dl.estimators._gnn import _MolGNN
from skchem_dl.estimators._pretrained import ARCHITECTURE, PretrainedWeights
from skchem_dl.features import MolGraphizer, MorganFingerprinter, RDKitDescriptors
from skchem_dl.features._base import BaseMolTransformer
from skchem_dl.features._molecules import as_items
from skchem_dl.pretraining._embedder import PretrainedEmbedder
from skchem_dl.pretraining._targets import (
    PretrainingLoss,
    PretrainingTargets,
    PretrainingTask,
    mean_entropy,
    normal_scores,
    pack_bits,
)

_CHUNK_SIZE = 10_000  # molecules between two steps of the progress bar
_MOST_HELD_OUT = 5_000
_EMBEDDING = "head.0.0"  # first layer of the head, before its activation
_LEAST_SCALE = 0.1  # of the median deviation
_weights_of: WeakKeyDictionary[Any, PretrainedWeights] = WeakKeyDictionary()


class MolGNNPretrainer(TransformerMixin, _MolGNN):
    """Pretrain a graph neural network on molecules without measurements.

    The network learns to predict RDKit's descriptors [1]_ and which substructures (bits of the
    Morgan fingerprint) a molecule has. Both are computed by `fit`, so that a list of SMILES is all
    that it takes. Networks that start from its weights (``pretrained=`` of `MolGNNRegressor`,
    `MolGNNClassifier` and `make_gnn_pipeline`) predict better for molecules unlike those they are
    trained on. Weights that come with the package were made by it; see the user guide.

    Descriptors are replaced by normal scores of their ranks, of standard deviation 1 and winsorized
    at 6, so that none of them dominates. A molecule that is not valid is left out. About 1.5 kB
    are kept for each molecule, so that a million fit in the memory of a laptop.

    Parameters
    ----------
    hidden_dim : int, default=300
        Width of the hidden states of atoms or bonds.
    n_layers : int, default=3
        Number of message-passing layers.
    conv : str, default="dmpnn"
        Message-passing layer; see `skchem_dl.nn.CONVS`.
    batch_norm : bool, default=False
        Normalize the hidden states after each layer.
    skip : {"none", "residual", "gated"}, default="none"
        Skip connections between layers.
    readout : str, default="sum_mean_max"
        Pooling over the atoms of a molecule; see `skchem_dl.nn.READOUTS`.
    embedding_dim : int, default=None
        Width of the embedding, a linear map of the readout from which the targets are predicted;
        None is `hidden_dim`.
    activation : str, default="relu"
        Activation function; see `skchem_dl.nn.ACTIVATIONS`.
    dropout : float, default=0.0
        Dropout probability after each layer.
    pretrained : str, path, PretrainedWeights or fitted MolGNNPretrainer, default=None
        Weights to start from, which then decide the architecture: pretraining that is continued
        on another collection.
    descriptors : "all" or list of str, default="all"
        Descriptors to predict, as in `RDKitDescriptors`. Those that are constant are left out.
    fp_size : int, default=2048
        Bits of the fingerprint to predict, a multiple of 8; 0 leaves them out.
    bit_weight : float, default=0.2
        Weight of the loss of the bits; that of the descriptors is 1.
    lr : float, default=1e-3
        Highest learning rate.
    lr_schedule : {"constant", "cosine", "one_cycle", "plateau"} or callable, default="cosine"
        Course of the learning rate.
    weight_decay : float, default=0.01
        Decoupled weight decay (AdamW) of weight matrices.
    max_grad_norm : float, default=1.0
        Gradients are scaled down to this norm.
    batch_size : int, default=256
        Molecules in a training step.
    predict_batch_size : int, default=1024
        Molecules in a step of `transform` and validation.
    max_epochs : int, default=30
        Passes over the molecules.
    validation_fraction : float, default=0.01
        Share held out, 5,000 molecules at most, for the loss and R2 in `history_`. 0 holds none
        out.
    precision : {"float32", "bfloat16"}, default="float32"
        Precision of matrix products. On processors that support it, bfloat16 is nearly twice as
        fast.
    on_invalid : {"raise", "nan"}, default="raise"
        Whether an invalid molecule raises `InvalidMoleculeError`, or is left out with a warning.
    n_jobs : int, default=None
        Worker processes that compute descriptors.
    smiles_column : str or int, default=None
        The column of SMILES, if X has several columns.
    memory : str, path, joblib.Memory or FeatureCache, default=None
        Cache folder for graphs, descriptors and fingerprints, so that a restarted fit does not
        recompute them.
    device : str, default="auto"
        "auto" is a GPU if torch sees one, and the CPU otherwise.
    warm_start : bool, default=False
        Whether `fit` continues from the weights of the previous fit.
    random_state : int, RandomState or None, default=None
        The same int gives bitwise the same weights on the same machine and number of threads.
    log_dir : path, default=None
        Folder for TensorBoard; see `skchem_dl.callbacks.TensorBoardLogger`.
    checkpoint_dir : path, default=None
        A fit that was killed is continued from here when it is called again; see
        `skchem_dl.callbacks.Checkpoint`.
    callbacks : list of skorch callbacks, default=None
        Each fit gets copies of them.
    verbose : int, default=0
        1 shows progress bars.

    Attributes
    ----------
    weights_ : PretrainedWeights
        The weights for other networks, up to the embedding.
    embedding_mean_, embedding_scale_ : ndarray of shape (embedding_dim_,), float32
        Mean and standard deviation of the embedding, which `weights_` are standardized by.
    descriptors_ : ndarray of shape (k,), of str
        Names of the descriptors that were learned.
    history_ : list of dict
        Losses, R2 of the descriptors, learning rate and seconds of each epoch.
    n_iter_ : int
        Epochs trained.
    n_invalid_ : int
        Molecules that were left out.
    embedding_dim_ : int
        Width of the embedding.
    nets_ : list of one skorch.NeuralNet
        The trained network.
    net_ : skorch.NeuralNet
        The same.
    module_ : torch.nn.Module
        Its module.
    schema_ : GraphSchema
        Fields and categories of the graphs.
    n_molecule_features_ : int
        Always 0, as in networks on graphs alone.
    run_dir_ : str
        Folder of the log, with ``log_dir`` only.

    See Also
    --------
    PretrainedEmbedder : Embeddings by weights that are already there.
    skchem_dl.pipelines.make_gnn_pipeline : Fine-tunes them.

    References
    ----------
    .. [1] Burns, J. et al. Deep Learning Foundation Models from Classical Molecular Descriptors.
       2025. https://doi.org/10.48550/arXiv.2506.15792

    Examples
    --------
    >>> from skchem_dl.datasets import load_solubility
    >>> from skchem_dl.pretraining import MolGNNPretrainer
    >>> smiles, _ = load_solubility(return_X_y=True)
    >>> pretrainer = MolGNNPretrainer(hidden_dim=32, max_epochs=2, random_state=0)
    >>> pretrainer.fit(smiles[:100]).transform(["CCO", "c1ccccc1"]).shape
    (2, 32)

    Networks start from it, and so does a pipeline:

    >>> from skchem_dl.pipelines import make_gnn_pipeline
    >>> model = make_gnn_pipeline(pretrained=pretrainer, max_epochs=2, random_state=0)
    >>> model.fit(["CCO", "CCC", "CCN"], [1.0, 2.0, 3.0]).predict(["CCO"]).shape
    (1,)
    """

    _parameter_constraints: dict[str, list] = {
        **_MolGNN._parameter_constraints,
        **{
            name: BaseMolTransformer._parameter_constraints[name]
            for name in ("on_invalid", "n_jobs", "smiles_column", "memory")
        },
        "embedding_dim": [Interval(Integral, 1, None, closed="left"), None],
        "descriptors": RDKitDescriptors._parameter_constraints["descriptors"],
        "fp_size": [Interval(Integral, 0, None, closed="left")],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "bit_weight": [Interval(Real, 0, None, closed="left")],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
    }
    # Parameters of the networks that pretraining has no use for.
    n_heads = 4
    average_heads = virtual_node = freeze_embedding = early_stopping = False
    jumping_knowledge = "last"
    readout_dim = None
    _pretrained_lr_factor = 1.0
    backend = "auto"
    loss = "mse"
    optimizer = "adamw"
    momentum = 0.9
    n_iter_no_change = n_members = 1
    descriptors_: np.ndarray

    def __init__(
        self,
        *,
        hidden_dim=300,
        n_layers=3,
        conv="dmpnn",
        batch_norm=False,
        skip="none",
        readout="sum_mean_max",
        embedding_dim=None,
        activation="relu",
        dropout=0.0,
        pretrained=None,
        descriptors="all",
        fp_size=2048,
        bit_weight=0.2,
        lr=1e-3,
        lr_schedule="cosine",
        weight_decay=0.01,
        max_grad_norm=1.0,
        batch_size=256,
        predict_batch_size=1024,
        max_epochs=30,
        validation_fraction=0.01,
        precision="float32",
        on_invalid="raise",
        n_jobs=None,
        smiles_column=None,
        memory=None,
        device="auto",
        warm_start=False,
        random_state=None,
        log_dir=None,
        checkpoint_dir=None,
        callbacks=None,
        verbose=0,
    ):
        self.hidden_dim = hidden_dim
        self.n_layers = n_layers
        self.conv = conv
        self.batch_norm = batch_norm
        self.skip = skip
        self.readout = readout
        self.embedding_dim = embedding_dim
        self.activation = activation
        self.dropout = dropout
        self.pretrained = pretrained
        self.descriptors = descriptors
        self.fp_size = fp_size
        self.bit_weight = bit_weight
        self.lr = lr
        self.lr_schedule = lr_schedule
        self.weight_decay = weight_decay
        self.max_grad_norm = max_grad_norm
        self.batch_size = batch_size
        self.predict_batch_size = predict_batch_size
        self.max_epochs = max_epochs
        self.validation_fraction = validation_fraction
        self.precision = precision
        self.on_invalid = on_invalid
        self.n_jobs = n_jobs
        self.smiles_column = smiles_column
        self.memory = memory
        self.device = device
        self.warm_start = warm_start
        self.random_state = random_state
        self.log_dir = log_dir
        self.checkpoint_dir = checkpoint_dir
        self.callbacks = callbacks
        self.verbose = verbose

    @with_callbacks
    def fit(self, X: Any, y: Any = None) -> "MolGNNPretrainer":
        """Compute the targets of the molecules, and train the network on them.

        Ctrl-C ends training after the running batch and raises KeyboardInterrupt; the pretrainer is
        then fitted with the weights as they are.

        Parameters
        ----------
        X : list, tuple, ndarray or Series of n molecules
            SMILES strings or RDKit Mols.
        y : ignored
            Not used; there by scikit-learn's convention.

        Returns
        -------
        self : object
            The fitted pretrainer.

        Raises
        ------
        InvalidMoleculeError
            If some rows are not valid molecules and ``on_invalid="raise"``.
        ValueError
            If a parameter is wrong, fewer than two valid molecules are left, they have nothing to
            learn from, or ``warm_start=True`` and their descriptors are others than before.
        """
        self._validate_params()
        if self.fp_size % 8:
            raise ValueError(f"fp_size={self.fp_size}; expected a multiple of 8, or 0.")
        goes_on = self.warm_start and self.__sklearn_is_fitted__()
        report = FitReport(self, _fitted_attributes)
        with self._kept_whole():
            items, _ = as_items(X, self.smiles_column)
            graphs = self._graphizer().fit_transform(X)
            rows = np.flatnonzero(graphs.n_atoms > 0)
            self.n_invalid_ = len(items) - len(rows)
            if len(rows) < 2:
                raise ValueError(f"X has {len(rows)} valid molecule(s); expected at least 2.")
            inputs = self._read(graphs[rows], reset=not goes_on)
            del graphs
            report.begin(X, None, None, rows)
            targets = self._make_targets([items[row] for row in rows.tolist()], goes_on)
            data = TrainingRows(inputs, targets, np.arange(len(rows)))
            self._train_on(data, goes_on, report)
            report.end()
        return self

    def embed(self, X: Any) -> np.ndarray:
        """Compute embeddings of molecules, each column of mean 0 and standard deviation 1 in `fit`.

        Parameters
        ----------
        X : list, tuple, ndarray or Series of n molecules
            SMILES strings or RDKit Mols.

        Returns
        -------
        embedding : ndarray of shape (n, embedding_dim_), float32
            NaN in the rows of invalid molecules.

        Raises
        ------
        InvalidMoleculeError
            If some rows are not valid molecules and ``on_invalid="raise"``.
        """
        names = ("on_invalid", "n_jobs", "smiles_column", "memory", "precision", "device")
        options = {name: getattr(self, name) for name in names}
        embedder = PretrainedEmbedder(self.weights_, **options, batch_size=self.predict_batch_size)
        return embedder.set_output(transform="default").transform(X)

    def transform(self, X: Any) -> np.ndarray:
        """Compute embeddings of molecules, as `embed`.

        Parameters
        ----------
        X : list, tuple, ndarray or Series of n molecules
            SMILES strings or RDKit Mols.

        Returns
        -------
        embedding : ndarray of shape (n, embedding_dim_), float32
            NaN in the rows of invalid molecules.
        """
        return self.embed(X)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return names of the columns: "embedding0", "embedding1", ...

        Parameters
        ----------
        input_features : ignored
            Not used; there by scikit-learn's convention.

        Returns
        -------
        names : ndarray of shape (embedding_dim_,), of str
            One for each column.
        """
        return np.array([f"embedding{i}" for i in range(self.embedding_dim_)], dtype=object)

    @property
    def embedding_dim_(self) -> int:
        """Width of the embedding."""
        return len(self.embedding_mean_)

    @property
    def weights_(self) -> PretrainedWeights:
        """The weights for other networks, up to the embedding."""
        net = self.net_
        if net not in _weights_of:
            _weights_of[net] = self._standardized_weights()
        return _weights_of[net]

    def _standardized_weights(self) -> PretrainedWeights:
        arguments = self.net_.get_params_for("module")
        arrays = get_weights(self.net_)
        weight, bias = arrays[f"{_EMBEDDING}.weight"], arrays[f"{_EMBEDDING}.bias"]
        body = {name: values for name, values in arrays.items() if not name.startswith("head.")}
        return PretrainedWeights(
            {**{name: arguments[name] for name in ARCHITECTURE}, "readout_dim": len(bias)},
            self.schema_,
            {
                **body,
                "projection.weight": weight / self.embedding_scale_[:, None],
                "projection.bias": (bias - self.embedding_mean_) / self.embedding_scale_,
            },
            self._card,
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = False
        tags.input_tags.string = True
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def _graphizer(self) -> MolGraphizer:
        names = ("on_invalid", "n_jobs", "smiles_column", "memory")
        return MolGraphizer(**{name: getattr(self, name) for name in names})

    def _follow(self, weights: PretrainedWeights) -> dict[str, Any]:
        # The embedding is the first layer of the head, whose activation and output are not kept.
        width = weights.architecture["readout_dim"]
        if self.embedding_dim not in (None, width):
            raise ValueError(
                f"embedding_dim={self.embedding_dim} contradicts the pretrained weights, whose "
                f"embedding has {width} columns. Leave embedding_dim out, or set pretrained=None."
            )
        return {**super()._follow(weights), "readout_dim": None, "head_dims": (width,)}

    def _pretrained_arrays(self) -> Mapping[str, np.ndarray] | None:
        known = super()._pretrained_arrays()
        if known is None:
            return None
        return {name.replace("projection", _EMBEDDING): values for name, values in known.items()}

    @property
    def head_dims(self) -> tuple[int]:
        """Width of the embedding, as the network takes it."""
        return (self.embedding_dim or self.hidden_dim,)

    def _make_loss(self) -> nn.Module:
        return PretrainingLoss(self._task.n_descriptors, self._task.entropy, self.bit_weight)

    def _make_targets(self, molecules: Sequence[Any], goes_on: bool) -> PretrainingTargets:
        """Compute descriptors and bits of valid molecules, and set the task."""
        options = {"on_invalid": "nan", "n_jobs": self.n_jobs, "memory": self.memory}
        featurizer = RDKitDescriptors(self.descriptors, **options)
        featurizer.set_output(transform="default").fit(molecules)
        values = np.concatenate([featurizer.transform(part) for part in self._parts(molecules)])
        scores, kept = normal_scores(values)
        names = featurizer.get_feature_names_out()[kept]
        if goes_on and names.tolist() != self.descriptors_.tolist():
            other = sorted(set(names) ^ set(self.descriptors_))
            raise ValueError(
                f"warm_start=True continues with outputs for {len(self.descriptors_)} descriptors, "
                f"but in these molecules others vary ({', '.join(other)}). To learn these, start a "
                "new pretrainer from this one: MolGNNPretrainer(pretrained=...)."
            )
        self.descriptors_ = names
        del values
        bits = np.empty((len(molecules), 0), dtype=np.uint8)
        if self.fp_size:
            fingerprinter = MorganFingerprinter(fp_size=self.fp_size, sparse_output=True, **options)
            fingerprinter.set_output(transform="default").fit(molecules)
            parts = self._parts(molecules)
            bits = np.concatenate([pack_bits(fingerprinter.transform(part)) for part in parts])
        targets = PretrainingTargets(scores, bits)
        if not (len(names) or np.ptp(bits, axis=0).any()):
            raise ValueError(
                f"All {len(molecules)} molecules have the same descriptors and bits; expected "
                "molecules that differ."
            )
        self._task = PretrainingTask(targets.n_descriptors, targets.n_bits, mean_entropy(bits))
        return targets

    def _train_on(self, data: TrainingRows, goes_on: bool, report: FitReport) -> None:
        """Train, and measure the embedding of the network, also of one that was interrupted."""
        before = vars(self).get("nets_")
        training, validation = self._split(data)
        try:
            self._train(training, validation, None, goes_on, report)
        finally:
            if vars(self).get("nets_") is not before:
                self._measure_embedding(training)
                versions = {name: version(name) for name in ("skchem_dl", "rdkit", "torch")}
                counts = {"n_molecules": len(data), "n_epochs": self.n_iter_}
                self._card = {**counts, "versions": versions}

    def _measure_embedding(self, data: TrainingRows) -> None:
        """Set mean and deviation of the embedding; nearly constant columns are not blown up."""
        rows = np.random.default_rng(0).permutation(data.rows)[:_MOST_HELD_OUT]
        readout = run_rows(self.net_, "embed", data.inputs, np.sort(rows))
        arrays = get_weights(self.net_)
        embedded = readout @ arrays[f"{_EMBEDDING}.weight"].T + arrays[f"{_EMBEDDING}.bias"]
        scale = embedded.std(axis=0)
        self.embedding_mean_ = embedded.mean(axis=0)
        self.embedding_scale_ = np.maximum(scale, _LEAST_SCALE * np.median(scale) or 1.0)

    def _parts(self, molecules: Sequence[Any]) -> Iterator[Sequence[Any]]:
        """Cut molecules into chunks behind a progress bar."""
        starts = range(0, len(molecules), _CHUNK_SIZE)
        for start in tqdm(starts, "Targets", disable=not self.verbose, leave=False):
            yield molecules[start : start + _CHUNK_SIZE]

    def _split(self, data: TrainingRows) -> tuple[TrainingRows, TrainingRows | None]:
        """Hold molecules out for validation, but not all."""
        n = min(round(self.validation_fraction * len(data)), _MOST_HELD_OUT, len(data) - 1)
        if not n:
            return data, None
        rows = np.random.default_rng(0).permutation(data.rows)
        return (
            TrainingRows(data.inputs, data.targets, np.sort(rows[n:])),
            TrainingRows(data.inputs, data.targets, np.sort(rows[:n])),
        )
