"""What is shown while training goes on: nothing, or one line on stderr."""

import pickle

import numpy as np
import pytest
from skorch.callbacks import Callback

from skchem_dl import FingerprintMLPClassifier, FingerprintMLPRegressor
from skchem_dl.callbacks import ProgressBar

X = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
y = np.array([0, 1] * 6)
CLASSES = [FingerprintMLPRegressor, FingerprintMLPClassifier]


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_silence(cls, early_stopping, capfd):
    model = cls((4,), max_epochs=3, early_stopping=early_stopping, random_state=0).fit(X, y)
    model.score(X, y)
    assert capfd.readouterr() == ("", "")
    assert not any(isinstance(callback, ProgressBar) for _, callback in model.net_.callbacks_)


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize(
    ("early_stopping", "shown"), [(False, "train_loss="), (True, "valid_loss=")]
)
def test_progress_bar(cls, early_stopping, shown, capfd):
    options = {"max_epochs": 3, "early_stopping": early_stopping, "random_state": 0}
    model = cls((4,), **options, verbose=1).fit(X, y)
    out, err = capfd.readouterr()
    assert out == ""
    assert cls.__name__ in err
    assert "3/3" in err
    assert shown in err
    np.testing.assert_array_equal(model.predict(X), cls((4,), **options).fit(X, y).predict(X))
    model.predict(X)
    assert capfd.readouterr() == ("", "")


def test_fitted_with_a_bar_it_pickles(capfd):
    model = FingerprintMLPRegressor((4,), max_epochs=2, verbose=1).fit(X, y)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict(X), model.predict(X))
    assert "2/2" in capfd.readouterr().err


class Failure(Callback):
    def on_epoch_end(self, net, **kwargs):
        raise RuntimeError("no more")


def test_the_bar_is_closed_after_an_error(capfd):
    with pytest.raises(RuntimeError, match="no more"):
        FingerprintMLPRegressor((4,), callbacks=[Failure()], verbose=1).fit(X, y)
    assert capfd.readouterr().err.endswith("\n")
