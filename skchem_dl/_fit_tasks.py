"""What a fit tells scikit-learn's callbacks (`set_callbacks`, from scikit-learn 1.9 on)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # before scikit-learn 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Nothing: there is no `set_callbacks` to support."""

    def with_callbacks(method: Callable) -> Callable:
        """Return the method as it is."""
        return method


def has_callbacks(estimator: Any) -> bool:
    """Return whether `set_callbacks` was called, by the user or by a meta-estimator."""
    return hasattr(estimator, "_skl_callbacks")


class OneTaskMixin(CallbackSupportMixin):
    """Lets each `fit` and `fit_transform` of a subclass report itself as one task."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in ("fit", "fit_transform"):
            if name in vars(cls):
                setattr(cls, name, _reported(vars(cls)[name]))


def _reported(method: Callable) -> Callable:
    @with_callbacks
    def with_task(self: Any, X: Any, y: Any) -> Any:
        task = self._init_callback_context().call_on_fit_task_begin(estimator=self, X=X, y=y)
        result = method(self, X, y)
        task.call_on_fit_task_end(estimator=self, X=X, y=y)
        return result

    @wraps(method)
    def fit(self: Any, X: Any, y: Any = None) -> Any:
        is_inner = hasattr(self, "_callback_fit_ctx")  # fit_transform calls fit
        if is_inner or not has_callbacks(self):
            return method(self, X, y)
        return with_task(self, X, y)

    return fit


@contextmanager
def inner_fit(meta: Any, inner: Any, X: Any, y: Any) -> Iterator[None]:
    """Report the fit of a meta-estimator, and pass its callbacks on to its inner estimator.

    Parameters
    ----------
    meta, inner : estimator
    X, y : of length n
        What the inner one is fitted on.
    """
    if not has_callbacks(meta):
        yield
        return
    data = {"estimator": meta, "X": X, "y": y}
    task = meta._init_callback_context(max_subtasks=1).call_on_fit_task_begin(**data)
    subtask = task.subcontext(task_name="fit-estimator")
    with subtask.propagate_callback_context(inner):
        subtask.call_on_fit_task_begin(**data)
        yield
        subtask.call_on_fit_task_end(**data)
    task.call_on_fit_task_end(**data)
