"""torch-molecule's graph network at its defaults, with a clock."""

import time

import numpy as np
from torch_molecule import GNNMolecularPredictor


class Clocked(GNNMolecularPredictor):
    """Notes the seconds of each training epoch, without the evaluation that follows it."""

    def _train_epoch(self, *arguments, **options):
        began = time.perf_counter()
        losses = super()._train_epoch(*arguments, **options)
        self.seconds.append(time.perf_counter() - began)
        return losses


def fit(smiles, y, epochs):
    # It evaluates after every epoch, on the training rows if there are no others.
    few = slice(0, 32)
    y = np.reshape(y, (-1, 1))
    model = Clocked(epochs=epochs, device="cpu")
    model.seconds = []
    return model.fit(smiles, y, smiles[few], y[few])
