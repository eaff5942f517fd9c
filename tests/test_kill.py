"""kill -9 in the middle of a fit: the same call goes on, and ends the same to the last bit."""

import csv
import json
import random
import signal
import time

import pytest
from processes import Forked

# Says "begins" just before the fit, then which epoch it trains first, then what came of it.
SCRIPT = """
import hashlib, json, sys, time
import numpy as np
from sklearn.base import clone
from skorch.callbacks import Callback
from skchem_dl import FingerprintMLPRegressor, MolGNNRegressor, MolGraphizer
from skchem_dl.callbacks import Checkpoint

class First(Callback):
    told = False

    def on_epoch_begin(self, net, **kwargs):
        if not First.told:
            print("first", net.member, len(net.history), flush=True)
        First.told = True

def digests(model, X):
    weights = hashlib.sha256()
    for net in model.nets_:
        for name, tensor in sorted(net.module_.state_dict().items()):
            weights.update(name.encode() + tensor.numpy().tobytes())
    rows = [{k: v for k, v in row.items() if k != "dur"} for row in model.history_]
    return {
        "weights": weights.hexdigest(),
        "history": hashlib.sha256(json.dumps(rows).encode()).hexdigest(),
        "predictions": hashlib.sha256(model.predict(X).tobytes()).hexdigest(),
        "epochs": [len(net.history) for net in model.nets_],
        "kept": [net.kept_epoch for net in model.nets_],
    }

options = json.loads(sys.argv[1])
callbacks = [First(), Checkpoint(every=1)] if options.pop("every_epoch", False) else [First()]
if options.pop("network") == "gnn":
    smiles = ["C" * n + end for n in range(1, 9) for end in ("O", "N", "c1ccccc1", "C(=O)O", "Cl")]
    X, y = MolGraphizer().fit_transform(smiles), np.array([len(text) for text in smiles], float)
    model = MolGNNRegressor(**options, callbacks=callbacks)
else:
    generator = np.random.default_rng(0)
    X = generator.normal(size=(120, 5)).astype(np.float32)
    y = X[:, 0] - 2 * X[:, 1] + generator.normal(size=120)
    model = FingerprintMLPRegressor(**options, callbacks=callbacks)
clone(model).set_params(
    max_epochs=1, n_members=1, callbacks=None, checkpoint_dir=None, log_dir=None
).fit(X, y)  # what is imported and allocated once
print("begins", flush=True)
began = time.perf_counter()
model.fit(X, y)
seconds = time.perf_counter() - began
facts = {"seconds": seconds, "log": getattr(model, "run_dir_", None)}
print("result", json.dumps({**digests(model, X), **facts}))
"""
NOT_COMPARED = ("seconds", "log")


class Fit:
    """A process that fits, up to the point where the fit begins."""

    def __init__(self, **options):
        self.process = Forked(SCRIPT, json.dumps(options))
        self.process.wait_for_line("begins")

    def kill(self):
        """Kill it; give the epoch that it began with, None where it had not come so far."""
        self.process.kill()
        ended = self.process.wait()
        assert ended.returncode == -signal.SIGKILL, "it was finished before"
        assert "result" not in ended.stdout
        assert ended.stderr == ""
        return _first(ended.stdout)

    def result(self):
        """Give the epoch that it began with, and what came of it."""
        ended = self.process.wait()
        assert (ended.returncode, ended.stderr) == (0, "")
        result = next(line for line in ended.stdout.splitlines() if line.startswith("result"))
        return _first(ended.stdout), json.loads(result.removeprefix("result"))


def _first(out):
    found = [line.split()[1:] for line in out.splitlines() if line.startswith("first")]
    return tuple(map(int, found[0])) if found else None


def newest(folder):
    """Give (member, epoch) of the newest checkpoint, (0, 0) if there is none."""
    names = [path.stem.split("-") for path in folder.glob("*/*.ckpt")]
    return max(((int(name[1]), int(name[3])) for name in names), default=(0, 0))


def same(result, expected):
    return all(result[name] == expected[name] for name in expected if name not in NOT_COMPARED)


def wait_for(fit, folder, epochs, lengths=(0,)):
    """Wait until a fit, of which the members take so many epochs, has kept so many in all."""
    while fit.process.is_alive():
        member, epoch = newest(folder)
        if sum(lengths[:member]) + epoch >= epochs:
            return
        time.sleep(0.005)


@pytest.mark.slow
def test_killed_ten_times(tmp_path):
    options = {
        "network": "mlp",
        "hidden_dims": (64, 64),
        "dropout": 0.2,
        "batch_norm": True,
        "batch_size": 8,
        "lr": 3e-4,
        "max_epochs": 200,
        "n_members": 2,
        "early_stopping": True,
        "n_iter_no_change": 60,
        "random_state": 0,
    }
    _, whole = Fit(**options).result()
    # The best epochs' weights are not the last.
    assert all(k + 60 == n for k, n in zip(whole["kept"], whole["epochs"], strict=True))
    options["checkpoint_dir"] = str(tmp_path)
    moments = random.Random(0)
    reached = [(0, 0)]
    for kill in range(10):
        fit = Fit(**options)
        # A moment in each thirteenth, so that it is not finished before it was killed ten times,
        # however busy the machine is.
        wait_for(fit, tmp_path, kill / 13 * sum(whole["epochs"]), whole["epochs"])
        time.sleep(moments.uniform(0, 1 / 48) * whole["seconds"])
        began = fit.kill()
        member, epoch = reached[-1]
        # After the newest checkpoint, or with the next member, unless it was killed before.
        assert began in (None, (member, epoch + 1), (member + 1, 1))
        reached.append(newest(tmp_path))
    assert reached == sorted(reached)
    assert len(set(reached)) > 5
    assert reached[-1] > (0, whole["kept"][0])  # some were killed after a best epoch
    began, result = Fit(**options).result()
    assert began > (0, 1)
    assert same(result, whole)
    assert list(tmp_path.iterdir()) == []


def test_killed_once(tmp_path):
    folder = tmp_path / "checkpoints"
    options = {
        "network": "gnn",
        "hidden_dim": 16,
        "dropout": 0.2,
        "batch_size": 8,
        "max_epochs": 80,
        "early_stopping": True,
        "random_state": 0,
        "log_dir": str(tmp_path / "runs"),
    }
    _, whole = Fit(**options).result()
    options |= {"checkpoint_dir": str(folder), "every_epoch": True}
    fit = Fit(**options)
    wait_for(fit, folder, 3)
    assert fit.kill() == (0, 1)
    reached = newest(folder)
    assert (0, 3) <= reached < (0, 80)
    began, result = Fit(**options).result()
    assert began == (0, reached[1] + 1)
    assert same(result, whole)
    assert list(folder.iterdir()) == []
    # The log is one, and whole.
    assert len(list((tmp_path / "runs").iterdir())) == 2
    epochs = list(range(1, result["epochs"][0] + 1))
    with open(f"{result['log']}/metrics.csv") as file:
        assert [int(row["epoch"]) for row in csv.DictReader(file)] == epochs
    assert logged_epochs(result["log"]) == epochs


def logged_epochs(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(folder, size_guidance={"scalars": 0})
    events.Reload()
    return [event.step for event in events.Scalars("loss/train")]
