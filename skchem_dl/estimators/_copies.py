"""How networks are cloned, copied, pickled and written to files."""

from copy import copy
from typing import Any

from sklearn.base import BaseEstimator

from skchem_dl.callbacks._given import copy_callbacks, picklable_callbacks
from skchem_dl.estimators._engine import get_weights, set_weights
from skchem_dl.estimators._nets import make_net


class CopiedMixin(BaseEstimator):
    """Copies of a neural estimator, with what cannot be copied left out."""

    callbacks: Any
    nets_: Any
    precision: str

    def __sklearn_clone__(self) -> Any:
        """Clone all parameters but the callbacks, whose arguments are shared."""
        bare = copy(self)
        bare.callbacks = None
        cloned = super(CopiedMixin, bare).__sklearn_clone__()
        given = self.callbacks
        is_sequence = isinstance(given, list | tuple)  # `fit` refuses all else
        cloned.callbacks = type(given)(copy_callbacks(given)) if is_sequence else given
        return cloned

    def __copy__(self) -> Any:
        """Return a shallow copy, without going through pickle's state."""
        copied = type(self).__new__(type(self))
        copied.__dict__.update(self.__dict__)
        return copied

    def __getstate__(self) -> dict[str, Any]:
        """Leave out callbacks that cannot be pickled."""
        return {**super().__getstate__(), "callbacks": picklable_callbacks(self.callbacks)}

    def __getstate_for_file__(self) -> dict[str, Any]:
        """Give what `skchem_dl.save` writes: the attributes, and of the nets the weights alone."""
        state = {name: value for name, value in vars(self).items() if name != "nets_"}
        if "nets_" in vars(self):
            self._refuse_changed_module()
            state["weights"] = [get_weights(net) for net in self.nets_]
        return state

    def _refuse_changed_module(self) -> None:
        """Raise if parameters were set after `fit`, so that they make another network now."""
        net = self.nets_[0]
        in_fit = {**net.get_params_for("module"), "precision": net.precision}
        for name, now in {**self._module()[1], "precision": self.precision}.items():
            if not (now is in_fit[name] or now == in_fit[name]):
                raise ValueError(
                    f"{type(self).__name__} was fitted with {name}={in_fit[name]!r} and has "
                    f"{now!r} now, of which a file could not make the same network. Set it back, "
                    "or fit again."
                )

    def __setstate_from_file__(self, state: dict[str, Any]) -> None:
        """Take the attributes back, and build nets around the weights."""
        weights = state.pop("weights", None)
        self.__dict__.update(state)
        if weights is not None:
            self.nets_ = [make_net(self, 0, k, device="cpu") for k in range(len(weights))]
            for net, its_weights in zip(self.nets_, weights, strict=True):
                set_weights(net, its_weights)
