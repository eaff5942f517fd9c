"""Estimators on matrices: multi-layer perceptrons."""

from numbers import Real
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils._param_validation import Interval, StrOptions
from torch import nn

from skchem_dl._rows import valid_rows
from skchem_dl.estimators._base import BaseNeuralEstimator, check_widths
from skchem_dl.estimators._inputs import MatrixInputs
from skchem_dl.estimators._mixins import ClassificationMixin, RegressionMixin
from skchem_dl.nn import ACTIVATIONS, MLP
from skchem_dl.preprocessing import (
    DescriptorScaler,
    has_large_values,
    is_fingerprint,
    scale_rows,
)

# Kept as they come (a fingerprint of bytes is a quarter of its float32 size); anything else is
# turned into the first one.
_KEPT_DTYPES = [np.float32, np.uint8, np.uint16, np.uint32, np.int32, np.int64]


class _FingerprintMLP(BaseNeuralEstimator):
    _parameter_constraints: dict[str, list] = {
        **BaseNeuralEstimator._parameter_constraints,
        "hidden_dims": ["array-like"],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "batch_norm": ["boolean"],
    }

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _read(self, X: Any, *, reset: bool) -> MatrixInputs:
        if reset or not self._is_as_fitted(X):
            X = self._check_matrix(
                X,
                featurizer="MorganFingerprinter",
                factory="make_mlp_pipeline",
                reset=reset,
                accept_sparse="csr",
                dtype=_KEPT_DTYPES,
            )
        names = getattr(self, "feature_names_in_", None)
        if reset:
            self._scaler = _fit_scaler(X, names)
        scaler = getattr(self, "_scaler", None)
        if scaler is not None:
            valid_rows(X, names)  # refuses the gaps that the scaler would impute
            X = scale_rows(scaler, X)
        return MatrixInputs(X, names)

    def _is_as_fitted(self, X: Any) -> bool:
        """Say whether X is a matrix that scikit-learn's checks would only give back.

        For one molecule they take longer than the prediction.
        """
        return (
            type(X) in (np.ndarray, sp.csr_array, sp.csr_matrix)
            and X.dtype in _KEPT_DTYPES
            and X.ndim == 2
            and X.shape[0] > 0
            and X.shape[1] == self.n_features_in_
            and not hasattr(self, "feature_names_in_")
        )

    def _module(self) -> tuple[type[nn.Module], dict[str, Any]]:
        return MLP, {
            "in_dim": self.n_features_in_,
            "hidden_dims": check_widths("hidden_dims", self.hidden_dims),
            "activation": self.activation,
            "dropout": self.dropout,
            "batch_norm": self.batch_norm,
        }


def _fit_scaler(X: Any, names: Any) -> DescriptorScaler | None:
    """Fit what scales X inside the network; None for fingerprints and what is scaled already."""
    valid = valid_rows(X, names)
    X = X if valid.all() else X[np.flatnonzero(valid)]
    if is_fingerprint(X) or not has_large_values(X):
        return None
    return DescriptorScaler().set_output(transform="default").fit(X)


class FingerprintMLPRegressor(RegressionMixin, _FingerprintMLP):
    """Multi-layer perceptron for regression on fingerprints or any matrix.

    After [1]_. X is an (n, d) matrix, dense or CSR. A row of nothing but NaN stands for an invalid
    molecule: it is left out of `fit` and `score` and predicted as NaN. Any other NaN or infinity
    raises.

    Fingerprints (bits, or counts of which most are 0) and what is scaled already reach the network
    as they are. If a column of any other matrix, as of descriptors, has a root mean square above
    10, columns are standardized by their mean and standard deviation in `fit` and clipped to five
    standard deviations, except for small counts; `DescriptorScaler` says which.

    Parameters
    ----------
    hidden_dims : sequence of int, default=(512, 128)
        Width of each hidden layer; ``()`` makes a linear model.
    activation : {"relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "sigmoid"}, default="relu"
        Behind each hidden layer.
    dropout : float, default=0.2
        Share of hidden units left out in each training step.
    batch_norm : bool, default=False
        Normalise each hidden layer before its activation.
    loss : {"mse", "mae", "huber", "quantile"}, default="mse"
        Squared error; absolute error; squared up to 1 and absolute beyond; or the pinball loss of
        a quantile [7]_. On standardised targets where `normalize_y` is on.
    quantile : float, default=0.5
        Which quantile ``loss="quantile"`` learns: 0.9 is exceeded by one molecule in ten.
    normalize_y : bool, default=True
        Learn on targets of mean 0 and standard deviation 1.
    optimizer : {"adam", "adamw", "rmsprop", "sgd"} or torch optimizer class, default="adam"
        Adam [2]_, AdamW [3]_ and torch's others; a class has to take groups of parameters, `lr`
        and `weight_decay`.
    lr : float, default=1e-3
        Learning rate (its highest value, where a schedule changes it).
    lr_schedule : {"constant", "cosine", "one_cycle", "plateau"} or callable, default="cosine"
        How the learning rate changes. "cosine" [4]_ and "one_cycle" [5]_ warm up first; "plateau"
        halves it when the loss stops falling; a callable maps progress (0 to 1) to a factor of
        `lr`.
    momentum : float, default=0.9
        Of "sgd" only; 0 is plain gradient descent.
    weight_decay : float, default=3e-3
        L2 penalty on weight matrices (decoupled for "adamw"); biases and norms are left alone.
    max_grad_norm : float, default=None
        Scale gradients down to this norm.
    batch_size : int or "auto", default=64
        Molecules a training step; "auto" makes about 64 steps an epoch, of 32 to 256 molecules.
    predict_batch_size : int, default=1024
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
        their spread `predict`'s ``return_std`` [6]_.
    precision : {"float32", "bfloat16"}, default="float32"
        Of matrix products; "bfloat16" is faster on processors and GPUs that have it, and coarser.
    device : str, default="auto"
        "auto" is a GPU where torch sees one, and the CPU otherwise.
    warm_start : bool, default=False
        `fit` continues from the weights of the fit before, with its scaling of X and y and its
        classes.
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

    See Also
    --------
    SmilesCNNRegressor, MolGNNRegressor : The other two kinds of network.
    skchem_dl.preprocessing.DescriptorScaler : What scales descriptors.
    skchem_dl.pipelines.make_mlp_pipeline : With the featuriser in front.

    References
    ----------
    .. [1] Ma, J.; Sheridan, R. P.; Liaw, A.; Dahl, G. E.; Svetnik, V. Deep Neural Nets as a Method
       for Quantitative Structure-Activity Relationships. J. Chem. Inf. Model. 2015, 55, 263-274.
       https://doi.org/10.1021/ci500747n
    .. [2] Kingma, D. P.; Ba, J. Adam: A Method for Stochastic Optimization. ICLR 2015.
       https://doi.org/10.48550/arXiv.1412.6980
    .. [3] Loshchilov, I.; Hutter, F. Decoupled Weight Decay Regularization. ICLR 2019.
       https://doi.org/10.48550/arXiv.1711.05101
    .. [4] Loshchilov, I.; Hutter, F. SGDR: Stochastic Gradient Descent with Warm Restarts. ICLR
       2017. https://doi.org/10.48550/arXiv.1608.03983
    .. [5] Smith, L. N.; Topin, N. Super-Convergence. 2018.
       https://doi.org/10.48550/arXiv.1708.07120
    .. [6] Lakshminarayanan, B.; Pritzel, A.; Blundell, C. Simple and Scalable Predictive
       Uncertainty Estimation Using Deep Ensembles. NeurIPS 2017.
       https://doi.org/10.48550/arXiv.1612.01474
    .. [7] Koenker, R.; Bassett, G. Regression Quantiles. Econometrica 1978, 46, 33.
       https://doi.org/10.2307/1913643

    Examples
    --------
    >>> from skchem_dl import FingerprintMLPRegressor, MorganFingerprinter
    >>> from skchem_dl.datasets import load_solubility
    >>> X, y = load_solubility(return_X_y=True)
    >>> X = MorganFingerprinter().fit_transform(X[:50])
    >>> model = FingerprintMLPRegressor(max_epochs=2, random_state=0).fit(X, y[:50])
    >>> model.predict(X[:3]).shape
    (3,)
    """

    _parameter_constraints: dict[str, list] = {
        **_FingerprintMLP._parameter_constraints,
        **RegressionMixin._regression_constraints,
    }

    def __init__(
        self,
        hidden_dims=(512, 128),
        *,
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
        weight_decay=3e-3,
        max_grad_norm=None,
        batch_size=64,
        predict_batch_size=1024,
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
        self.hidden_dims = hidden_dims
        self.activation = activation
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.quantile = quantile
        self.normalize_y = normalize_y


class FingerprintMLPClassifier(ClassificationMixin, _FingerprintMLP):
    """Multi-layer perceptron for classification on fingerprints or any matrix.

    After [1]_. X is an (n, d) matrix, dense or CSR. A row of nothing but NaN stands for an invalid
    molecule: it is left out of `fit` and `score` and predicted as NaN. Any other NaN or infinity
    raises.

    Fingerprints (bits, or counts of which most are 0) and what is scaled already reach the network
    as they are. If a column of any other matrix, as of descriptors, has a root mean square above
    10, columns are standardized by their mean and standard deviation in `fit` and clipped to five
    standard deviations, except for small counts; `DescriptorScaler` says which.

    Parameters
    ----------
    hidden_dims : sequence of int, default=(512, 128)
        Width of each hidden layer; ``()`` makes a linear model.
    activation : {"relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "sigmoid"}, default="relu"
        Behind each hidden layer.
    dropout : float, default=0.2
        Share of hidden units left out in each training step.
    batch_norm : bool, default=False
        Normalise each hidden layer before its activation.
    loss : {"log_loss", "focal"}, default="log_loss"
        "focal" [7]_ lets labels that are already right count less, for rare classes.
    class_weight : dict or "balanced", default=None
        How much each class counts; "balanced" gives all classes the same say, in each column of
        several labels.
    optimizer : {"adam", "adamw", "rmsprop", "sgd"} or torch optimizer class, default="adam"
        Adam [2]_, AdamW [3]_ and torch's others; a class has to take groups of parameters, `lr`
        and `weight_decay`.
    lr : float, default=1e-3
        Learning rate (its highest value, where a schedule changes it).
    lr_schedule : {"constant", "cosine", "one_cycle", "plateau"} or callable, default="cosine"
        How the learning rate changes. "cosine" [4]_ and "one_cycle" [5]_ warm up first; "plateau"
        halves it when the loss stops falling; a callable maps progress (0 to 1) to a factor of
        `lr`.
    momentum : float, default=0.9
        Of "sgd" only; 0 is plain gradient descent.
    weight_decay : float, default=3e-3
        L2 penalty on weight matrices (decoupled for "adamw"); biases and norms are left alone.
    max_grad_norm : float, default=None
        Scale gradients down to this norm.
    batch_size : int or "auto", default=64
        Molecules a training step; "auto" makes about 64 steps an epoch, of 32 to 256 molecules.
    predict_batch_size : int, default=1024
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
        are the prediction [6]_.
    precision : {"float32", "bfloat16"}, default="float32"
        Of matrix products; "bfloat16" is faster on processors and GPUs that have it, and coarser.
    device : str, default="auto"
        "auto" is a GPU where torch sees one, and the CPU otherwise.
    warm_start : bool, default=False
        `fit` continues from the weights of the fit before, with its scaling of X and y and its
        classes.
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

    See Also
    --------
    SmilesCNNClassifier, MolGNNClassifier : The other two kinds of network.
    skchem_dl.preprocessing.DescriptorScaler : What scales descriptors.
    skchem_dl.pipelines.make_mlp_pipeline : With the featuriser in front.

    References
    ----------
    .. [1] Ma, J.; Sheridan, R. P.; Liaw, A.; Dahl, G. E.; Svetnik, V. Deep Neural Nets as a Method
       for Quantitative Structure-Activity Relationships. J. Chem. Inf. Model. 2015, 55, 263-274.
       https://doi.org/10.1021/ci500747n
    .. [2] Kingma, D. P.; Ba, J. Adam: A Method for Stochastic Optimization. ICLR 2015.
       https://doi.org/10.48550/arXiv.1412.6980
    .. [3] Loshchilov, I.; Hutter, F. Decoupled Weight Decay Regularization. ICLR 2019.
       https://doi.org/10.48550/arXiv.1711.05101
    .. [4] Loshchilov, I.; Hutter, F. SGDR: Stochastic Gradient Descent with Warm Restarts. ICLR
       2017. https://doi.org/10.48550/arXiv.1608.03983
    .. [5] Smith, L. N.; Topin, N. Super-Convergence. 2018.
       https://doi.org/10.48550/arXiv.1708.07120
    .. [6] Lakshminarayanan, B.; Pritzel, A.; Blundell, C. Simple and Scalable Predictive
       Uncertainty Estimation Using Deep Ensembles. NeurIPS 2017.
       https://doi.org/10.48550/arXiv.1612.01474
    .. [7] Lin, T.-Y. et al. Focal Loss for Dense Object Detection. ICCV 2017.
       https://doi.org/10.48550/arXiv.1708.02002

    Examples
    --------
    >>> from skchem_dl import FingerprintMLPClassifier, MorganFingerprinter
    >>> from skchem_dl.datasets import load_solubility
    >>> X, y = load_solubility(return_X_y=True)
    >>> X = MorganFingerprinter().fit_transform(X[:50])
    >>> model = FingerprintMLPClassifier(max_epochs=2, random_state=0).fit(X, y[:50] > -3)
    >>> model.predict_proba(X[:3]).shape
    (3, 2)
    """

    _parameter_constraints: dict[str, list] = {
        **_FingerprintMLP._parameter_constraints,
        **ClassificationMixin._classification_constraints,
    }

    def __init__(
        self,
        hidden_dims=(512, 128),
        *,
        activation="relu",
        dropout=0.2,
        batch_norm=False,
        loss="log_loss",
        class_weight=None,
        optimizer="adam",
        lr=1e-3,
        lr_schedule="cosine",
        momentum=0.9,
        weight_decay=3e-3,
        max_grad_norm=None,
        batch_size=64,
        predict_batch_size=1024,
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
        self.hidden_dims = hidden_dims
        self.activation = activation
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.class_weight = class_weight
