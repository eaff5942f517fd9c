"""What out-of-fold predictions say: how to weigh models, and how far they are wrong."""

import numpy as np
from scipy.optimize import nnls

_SMALLEST = 1e-6  # probability; a single confident error must not decide everything
_MAX_ITERATIONS = 1000
_TOLERANCE = 1e-7


def squared_error_weights(
    y: np.ndarray, predictions: np.ndarray, sample_weight: np.ndarray, shrinkage: float
) -> np.ndarray:
    """Minimize the squared error of the weighted mean, (n,), (M, n), (n,) -> (M,).

    With errors in units of the models' root mean squared error, this minimizes the sum of squared
    errors over the molecules plus `shrinkage` times the squared distance to equal weights.
    """
    n_models = len(predictions)
    errors = predictions - y
    products = (errors * sample_weight) @ errors.T / sample_weight.sum()
    scale = np.trace(products) / n_models
    if scale == 0 or np.isinf(shrinkage):
        return np.full(n_models, 1 / n_models)
    n = _effective_number(sample_weight)
    # As the sum is 1, the penalty |w - 1/M|^2 is |w|^2 and a constant.
    quadratic = products / scale + shrinkage / n * np.eye(n_models)
    values, vectors = np.linalg.eigh(quadratic)
    root = np.sqrt(np.clip(values, 0, None))[:, None] * vectors.T
    # min u'Qu + (sum(u) - 1)^2 over u >= 0 has the direction of min w'Qw over w >= 0, sum(w) = 1.
    system = np.vstack([root, np.ones(n_models)])
    solution, _ = nnls(system, np.append(np.zeros(n_models), 1.0))
    return solution / solution.sum()


def log_loss_weights(
    likelihoods: np.ndarray, sample_weight: np.ndarray, shrinkage: float
) -> np.ndarray:
    """Maximize the likelihood of a mixture by expectation maximization, (M, n), (n,) -> (M,).

    `likelihoods` are the probabilities of what was observed. The prior is Dirichlet's, of about
    the same curvature at equal weights as the penalty of `squared_error_weights`.
    """
    n_models = len(likelihoods)
    equal = np.full(n_models, 1 / n_models)
    if np.isinf(shrinkage):
        return equal
    likelihoods = np.clip(likelihoods, _SMALLEST, None)
    counts = sample_weight * _effective_number(sample_weight) / sample_weight.sum()
    weights = equal
    for _ in range(_MAX_ITERATIONS):
        shares = weights[:, None] * likelihoods
        shares /= shares.sum(axis=0)
        updated = shares @ counts + shrinkage / n_models**2
        updated /= updated.sum()
        converged = np.abs(updated - weights).max() < _TOLERANCE
        weights = updated
        if converged:
            break
    return weights


def variance_of_errors(
    squared_errors: np.ndarray, squared_spreads: np.ndarray, sample_weight: np.ndarray
) -> np.ndarray:
    """Fit errors by the spread of the models, (n,), (n,), (n,) -> (2,).

    The result is a and b, not negative, of the expected squared error ``a + b * spread ** 2``.
    """
    root = np.sqrt(sample_weight)
    system = np.column_stack([root, root * squared_spreads])
    return nnls(system, root * squared_errors)[0]


def _effective_number(sample_weight: np.ndarray) -> float:
    """Return how many rows of equal weight are worth as much (Kish), (n,) -> number."""
    return sample_weight.sum() ** 2 / (sample_weight**2).sum()
