"""Estimators on token codes: convolutional networks."""

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions
from torch import nn

from skchem_dl.estimators._base import BaseNeuralEstimator, check_widths
from skchem_dl.estimators._inputs import TokenInputs
from skchem_dl.estimators._mixins import ClassificationMixin, RegressionMixin
from skchem_dl.nn import ACTIVATIONS, CNN, POOLINGS

_POSITIVE = [Interval(Integral, 1, None, closed="left")]


class _SmilesCNN(BaseNeuralEstimator):
    _parameter_constraints: dict[str, list] = {
        **BaseNeuralEstimator._parameter_constraints,
        "embedding_dim": _POSITIVE,
        "n_filters": _POSITIVE,
        "kernel_sizes": ["array-like"],
        "n_layers": _POSITIVE,
        "pooling": [StrOptions(set(POOLINGS))],
        "head_dims": ["array-like"],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "batch_norm": ["boolean"],
    }

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        return tags

    def _read(self, X: Any, *, reset: bool) -> TokenInputs:
        X = self._check_matrix(
            X,
            featurizer="SmilesTokenizer",
            factory="make_cnn_pipeline",
            reset=reset,
            dtype="numeric",
        )
        inputs = TokenInputs(_check_codes(X))
        if reset:
            self.n_tokens_ = max(2, int(inputs.codes.max()) + 1)
        return inputs

    def _module(self) -> tuple[type[nn.Module], dict[str, Any]]:
        return CNN, {
            "n_tokens": self.n_tokens_,
            "embedding_dim": self.embedding_dim,
            "n_filters": self.n_filters,
            "kernel_sizes": check_widths("kernel_sizes", self.kernel_sizes, at_least=1),
            "n_layers": self.n_layers,
            "pooling": self.pooling,
            "head_dims": check_widths("head_dims", self.head_dims),
            "activation": self.activation,
            "dropout": self.dropout,
            "batch_norm": self.batch_norm,
        }


def _check_codes(X: np.ndarray) -> np.ndarray:
    """Give codes as int32, or say which entry is none."""
    right = (X >= 0) & (X < 2**31)
    if X.dtype.kind not in "iu":
        right &= np.rint(X) == X
    wrong = ~right
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise ValueError(
            f"X must hold token codes, integers from 0 on, as SmilesTokenizer makes them; row "
            f"{row}, column {column} is {X[row, column]!r}. (NaN and inf are no codes.)"
        )
    return X.astype(np.int32, copy=False)


class SmilesCNNRegressor(RegressionMixin, _SmilesCNN):
    """Convolutional network for regression on SMILES tokens.

    Filters of several widths side by side, each pooled over the text [1]_, which is a SMILES [2]_.
    X is an (n, L) matrix of token codes, as `SmilesTokenizer` makes it. A row of padding stands for
    an invalid molecule: it is left out of `fit` and `score` and predicted as NaN.

    Parameters
    ----------
    embedding_dim : int, default=64
        Width of a token's vector.
    n_filters : int, default=64
        Filters of each width.
    kernel_sizes : sequence of int, default=(3, 5, 7)
        Widths of the parallel convolutions, in tokens.
    n_layers : int, default=1
        Convolutions on top of each other, in each parallel branch.
    pooling : {"max", "mean"}, default="max"
        Over the tokens.
    head_dims : sequence of int, default=(256,)
        Hidden layers between pooling and output.
    activation : {"relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "sigmoid"}, default="relu"
        Behind each convolution and hidden layer.
    dropout : float, default=0.2
        Share of units left out after pooling and each hidden layer.
    batch_norm : bool, default=False
        Normalise after each convolution and hidden layer.
    loss : {"mse", "mae", "huber", "quantile"}, default="mse"
        Squared error; absolute error; squared up to 1 and absolute beyond; or the pinball loss of
        a quantile [8]_. On standardised targets where `normalize_y` is on.
    quantile : float, default=0.5
        Which quantile ``loss="quantile"`` learns: 0.9 is exceeded by one molecule in ten.
    normalize_y : bool, default=True
        Learn on targets of mean 0 and standard deviation 1.
    optimizer : {"adam", "adamw", "rmsprop", "sgd"} or torch optimizer class, default="adam"
        Adam [3]_, AdamW [4]_ and torch's others; a class has to take groups of parameters, `lr`
        and `weight_decay`.
    lr : float, default=1e-3
        Learning rate (its highest value, where a schedule changes it).
    lr_schedule : {"constant", "cosine", "one_cycle", "plateau"} or callable, default="cosine"
        How the learning rate changes. "cosine" [5]_ and "one_cycle" [6]_ warm up first; "plateau"
        halves it when the loss stops falling; a callable maps progress (0 to 1) to a factor of
        `lr`.
    momentum : float, default=0.9
        Of "sgd" only; 0 is plain gradient descent.
    weight_decay : float, default=0.0
        L2 penalty on weight matrices (decoupled for "adamw"); biases and norms are left alone.
    max_grad_norm : float, default=None
        Scale gradients down to this norm.
    batch_size : int or "auto", default=64
        Molecules a training step; "auto" makes about 64 steps an epoch, of 32 to 256 molecules.
    predict_batch_size : int, default=256
        Molecules a step of prediction and validation; for memory and speed.
    max_epochs : int, default=50
        Passes over the training molecules.
    early_stopping : bool, default=False
        Hold molecules out, stop when their loss (averaged over three epochs) no longer gets
        better, and restore the best epoch.
    validation_fraction : float, default=0.1
        Share held out for early stopping.
    n_iter_no_change : int, default=10
        Epochs without improvement before early stopping.
    n_members : int, default=1
        Networks trained from different seeds on the same molecules; their mean is the prediction,
        their spread `predict`'s ``return_std`` [7]_.
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
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features,), of str
        Their names, where X had any.
    n_tokens_ : int
        Codes known, padding and unknown among them.

    See Also
    --------
    FingerprintMLPRegressor, MolGNNRegressor : The other two kinds of network.
    skchem_dl.pipelines.make_cnn_pipeline : With the featuriser in front.

    References
    ----------
    .. [1] Kim, Y. Convolutional Neural Networks for Sentence Classification. EMNLP 2014,
       1746-1751. https://doi.org/10.3115/v1/D14-1181
    .. [2] Hirohara, M. et al. Convolutional Neural Network Based on SMILES Representation of
       Compounds for Detecting Chemical Motif. BMC Bioinformatics 2018, 19, 526.
       https://doi.org/10.1186/s12859-018-2523-5
    .. [3] Kingma, D. P.; Ba, J. Adam: A Method for Stochastic Optimization. ICLR 2015.
       https://doi.org/10.48550/arXiv.1412.6980
    .. [4] Loshchilov, I.; Hutter, F. Decoupled Weight Decay Regularization. ICLR 2019.
       https://doi.org/10.48550/arXiv.1711.05101
    .. [5] Loshchilov, I.; Hutter, F. SGDR: Stochastic Gradient Descent with Warm Restarts. ICLR
       2017. https://doi.org/10.48550/arXiv.1608.03983
    .. [6] Smith, L. N.; Topin, N. Super-Convergence. 2018.
       https://doi.org/10.48550/arXiv.1708.07120
    .. [7] Lakshminarayanan, B.; Pritzel, A.; Blundell, C. Simple and Scalable Predictive
       Uncertainty Estimation Using Deep Ensembles. NeurIPS 2017.
       https://doi.org/10.48550/arXiv.1612.01474
    .. [8] Koenker, R.; Bassett, G. Regression Quantiles. Econometrica 1978, 46, 33.
       https://doi.org/10.2307/1913643

    Examples
    --------
    >>> from skchem_dl import SmilesCNNRegressor, SmilesTokenizer
    >>> from skchem_dl.datasets import load_solubility
    >>> X, y = load_solubility(return_X_y=True)
    >>> X = SmilesTokenizer().fit_transform(X[:50])
    >>> model = SmilesCNNRegressor(max_epochs=2, random_state=0).fit(X, y[:50])
    >>> model.predict(X[:3]).shape
    (3,)
    """

    _parameter_constraints: dict[str, list] = {
        **_SmilesCNN._parameter_constraints,
        **RegressionMixin._regression_constraints,
    }

    def __init__(
        self,
        *,
        embedding_dim=64,
        n_filters=64,
        kernel_sizes=(3, 5, 7),
        n_layers=1,
        pooling="max",
        head_dims=(256,),
        activation="relu",
        dropout=0.2,
        batch_norm=False,
        loss="mse",
        quantile=0.5,
        normalize_y=True,
        optimizer="adam",
        lr=1e-3,
        lr_schedule="cosine",
        momentum=0.9,
        weight_decay=0.0,
        max_grad_norm=None,
        batch_size=64,
        predict_batch_size=256,
        max_epochs=50,
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
        self.embedding_dim = embedding_dim
        self.n_filters = n_filters
        self.kernel_sizes = kernel_sizes
        self.n_layers = n_layers
        self.pooling = pooling
        self.head_dims = head_dims
        self.activation = activation
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.quantile = quantile
        self.normalize_y = normalize_y


class SmilesCNNClassifier(ClassificationMixin, _SmilesCNN):
    """Convolutional network for classification on SMILES tokens.

    Filters of several widths side by side, each pooled over the text [1]_, which is a SMILES [2]_.
    X is an (n, L) matrix of token codes, as `SmilesTokenizer` makes it. A row of padding stands for
    an invalid molecule: it is left out of `fit` and `score` and predicted as NaN.

    Parameters
    ----------
    embedding_dim : int, default=64
        Width of a token's vector.
    n_filters : int, default=64
        Filters of each width.
    kernel_sizes : sequence of int, default=(3, 5, 7)
        Widths of the parallel convolutions, in tokens.
    n_layers : int, default=1
        Convolutions on top of each other, in each parallel branch.
    pooling : {"max", "mean"}, default="max"
        Over the tokens.
    head_dims : sequence of int, default=(256,)
        Hidden layers between pooling and output.
    activation : {"relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "sigmoid"}, default="relu"
        Behind each convolution and hidden layer.
    dropout : float, default=0.2
        Share of units left out after pooling and each hidden layer.
    batch_norm : bool, default=False
        Normalise after each convolution and hidden layer.
    loss : {"log_loss", "focal"}, default="log_loss"
        "focal" [8]_ lets labels that are already right count less, for rare classes.
    class_weight : dict or "balanced", default=None
        How much each class counts; "balanced" gives all classes the same say, in each column of
        several labels.
    optimizer : {"adam", "adamw", "rmsprop", "sgd"} or torch optimizer class, default="adam"
        Adam [3]_, AdamW [4]_ and torch's others; a class has to take groups of parameters, `lr`
        and `weight_decay`.
    lr : float, default=1e-3
        Learning rate (its highest value, where a schedule changes it).
    lr_schedule : {"constant", "cosine", "one_cycle", "plateau"} or callable, default="cosine"
        How the learning rate changes. "cosine" [5]_ and "one_cycle" [6]_ warm up first; "plateau"
        halves it when the loss stops falling; a callable maps progress (0 to 1) to a factor of
        `lr`.
    momentum : float, default=0.9
        Of "sgd" only; 0 is plain gradient descent.
    weight_decay : float, default=0.0
        L2 penalty on weight matrices (decoupled for "adamw"); biases and norms are left alone.
    max_grad_norm : float, default=None
        Scale gradients down to this norm.
    batch_size : int or "auto", default=64
        Molecules a training step; "auto" makes about 64 steps an epoch, of 32 to 256 molecules.
    predict_batch_size : int, default=256
        Molecules a step of prediction and validation; for memory and speed.
    max_epochs : int, default=50
        Passes over the training molecules.
    early_stopping : bool, default=False
        Hold molecules out, stop when their ROC AUC (averaged over three epochs) no longer gets
        better, and restore the best epoch.
    validation_fraction : float, default=0.1
        Share held out for early stopping.
    n_iter_no_change : int, default=10
        Epochs without improvement before early stopping.
    n_members : int, default=1
        Networks trained from different seeds on the same molecules; their mean probabilities
        are the prediction [7]_.
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
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features,), of str
        Their names, where X had any.
    n_tokens_ : int
        Codes known, padding and unknown among them.

    See Also
    --------
    FingerprintMLPClassifier, MolGNNClassifier : The other two kinds of network.
    skchem_dl.pipelines.make_cnn_pipeline : With the featuriser in front.

    References
    ----------
    .. [1] Kim, Y. Convolutional Neural Networks for Sentence Classification. EMNLP 2014,
       1746-1751. https://doi.org/10.3115/v1/D14-1181
    .. [2] Hirohara, M. et al. Convolutional Neural Network Based on SMILES Representation of
       Compounds for Detecting Chemical Motif. BMC Bioinformatics 2018, 19, 526.
       https://doi.org/10.1186/s12859-018-2523-5
    .. [3] Kingma, D. P.; Ba, J. Adam: A Method for Stochastic Optimization. ICLR 2015.
       https://doi.org/10.48550/arXiv.1412.6980
    .. [4] Loshchilov, I.; Hutter, F. Decoupled Weight Decay Regularization. ICLR 2019.
       https://doi.org/10.48550/arXiv.1711.05101
    .. [5] Loshchilov, I.; Hutter, F. SGDR: Stochastic Gradient Descent with Warm Restarts. ICLR
       2017. https://doi.org/10.48550/arXiv.1608.03983
    .. [6] Smith, L. N.; Topin, N. Super-Convergence. 2018.
       https://doi.org/10.48550/arXiv.1708.07120
    .. [7] Lakshminarayanan, B.; Pritzel, A.; Blundell, C. Simple and Scalable Predictive
       Uncertainty Estimation Using Deep Ensembles. NeurIPS 2017.
       https://doi.org/10.48550/arXiv.1612.01474
    .. [8] Lin, T.-Y. et al. Focal Loss for Dense Object Detection. ICCV 2017.
       https://doi.org/10.48550/arXiv.1708.02002

    Examples
    --------
    >>> from skchem_dl import SmilesCNNClassifier, SmilesTokenizer
    >>> from skchem_dl.datasets import load_solubility
    >>> X, y = load_solubility(return_X_y=True)
    >>> X = SmilesTokenizer().fit_transform(X[:50])
    >>> model = SmilesCNNClassifier(max_epochs=2, random_state=0).fit(X, y[:50] > -3)
    >>> model.predict_proba(X[:3]).shape
    (3, 2)
    """

    _parameter_constraints: dict[str, list] = {
        **_SmilesCNN._parameter_constraints,
        **ClassificationMixin._classification_constraints,
    }

    def __init__(
        self,
        *,
        embedding_dim=64,
        n_filters=64,
        kernel_sizes=(3, 5, 7),
        n_layers=1,
        pooling="max",
        head_dims=(256,),
        activation="relu",
        dropout=0.2,
        batch_norm=False,
        loss="log_loss",
        class_weight=None,
        optimizer="adam",
        lr=1e-3,
        lr_schedule="cosine",
        momentum=0.9,
        weight_decay=0.0,
        max_grad_norm=None,
        batch_size=64,
        predict_batch_size=256,
        max_epochs=50,
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
        self.embedding_dim = embedding_dim
        self.n_filters = n_filters
        self.kernel_sizes = kernel_sizes
        self.n_layers = n_layers
        self.pooling = pooling
        self.head_dims = head_dims
        self.activation = activation
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.class_weight = class_weight
