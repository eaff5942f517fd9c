"""A progress bar over epochs."""

from typing import Any

from skorch.callbacks import Callback
from tqdm.auto import tqdm


class ProgressBar(Callback):
    """Show epochs done, time left and the last losses on one line.

    Parameters
    ----------
    label : str, default="fit"
        Stands before the bar.

    See Also
    --------
    TensorBoardLogger : Shows more.

    Examples
    --------
    >>> from skchem_dl.callbacks import ProgressBar
    >>> from skchem_dl.pipelines import make_mlp_pipeline
    >>> model = make_mlp_pipeline(max_epochs=2, callbacks=[ProgressBar("three molecules")])
    >>> model.fit(["CCO", "CCC", "CCN"], [1.0, 2.0, 3.0])[-1].n_iter_
    2
    """

    _bar: Any = None  # another callback's on_train_begin may fail before this one's

    def __init__(self, label: str = "fit") -> None:
        self.label = label

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Open the bar."""
        self._bar = tqdm(total=net.max_epochs, desc=self.label, unit="epoch")

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Move it on."""
        row = net.history[-1]
        losses = {name: row[name] for name in ("train_loss", "valid_loss") if name in row}
        self._bar.set_postfix({name: f"{loss:.4f}" for name, loss in losses.items()})
        self._bar.update(row["epoch"] - self._bar.n)  # a resumed training starts further on

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Close it, so that the net can be pickled."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
