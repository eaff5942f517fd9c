"""What a user sees in TensorBoard, in a real browser."""

import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager

import numpy as np
import pytest
from chromium import Chromium
from matplotlib.image import imread
from sklearn.model_selection import GridSearchCV, KFold

from skchem_dl.callbacks import log_search
from skchem_dl.datasets import load_solubility
from skchem_dl.pipelines import make_mlp_pipeline

GRID = {"estimator__lr": [0.00123, 0.0456], "estimator__dropout": [0.125, 0.375]}


@contextmanager
def serve(log_dir):
    """Give the address of a TensorBoard that has read all runs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    here = ["--host", "127.0.0.1", "--port", str(port), "--load_fast=false"]
    server = subprocess.Popen(
        [sys.executable, "-m", "tensorboard.main", "--logdir", str(log_dir), *here],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    n_runs = len({path.parent for path in log_dir.rglob("*tfevents*")})
    try:
        for _ in range(300):
            if count_runs(url) == n_runs:
                break
            assert server.poll() is None
            time.sleep(0.2)
        yield url
    finally:
        server.terminate()
        server.wait()


def count_runs(url):
    try:
        with urllib.request.urlopen(f"{url}/data/runs") as answer:
            return answer.read().count(b'"') // 2
    except OSError:  # not there yet
        return -1


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs the program chromium")
def test_a_search_in_the_browser(tmp_path):
    X, y = load_solubility(subset="test", return_X_y=True)
    log_dir = tmp_path / "runs"
    model = make_mlp_pipeline(
        max_epochs=3, early_stopping=True, log_dir=log_dir / "fits", random_state=0
    )
    search = GridSearchCV(model, GRID, cv=KFold(2)).fit(X[:80], y[:80])
    of_search = log_search(search, log_dir / "searches")
    with (
        serve(log_dir / "fits") as fits,
        serve(of_search) as candidates,
        Chromium(shutil.which("chromium"), tmp_path / "profile") as page,
    ):
        parts = ["rmse", "/train", "/validation"]
        text = page.open(f"{fits}/?tagFilter=^rmse#timeseries", [*parts, "2 cards"])
        for values in ("dropout=0.125,lr=0.0456", "dropout=0.375"):
            assert f"FingerprintMLPRegressor,{values}" in text
        page.screenshot(tmp_path / "scalars.png")
        numbers = [f"candidate-{number}" for number in range(4)]
        names = [*GRID, "featurizer__radius", "mean_test_score", "rank_test_score"]
        page.open(f"{candidates}/#hparams", [*numbers, *names])
        page.screenshot(tmp_path / "hparams.png")
    for name in ("scalars.png", "hparams.png"):
        image = imread(tmp_path / name)
        assert image.shape[:2] == (900, 1400)
        # Below the orange bar there are lines and letters, not white alone.
        assert len(np.unique(image[100:, :, :3].reshape(-1, 3), axis=0)) > 50
