"""
Maps of molecules: principal components, t-SNE and UMAP
=======================================================

Where are 1,282 molecules in the space of their fingerprints, and does solubility go with it? Three
ways to draw a map, with a dozen molecules picked to be as different as possible. It takes about
twenty seconds and draws ``maps.png``. UMAP is drawn where it is installed: ``pip install
umap-learn``.
"""

# %%
# The data: SMILES and log10 of the solubility in mol/L.
import os
from importlib.util import find_spec

import matplotlib.pyplot as plt
from sklearn.pipeline import make_pipeline

from skchem_dl import MorganFingerprinter
from skchem_dl.datasets import load_solubility
from skchem_dl.pipelines import SkipInvalidRows, make_pca_pipeline, make_tsne_pipeline
from skchem_dl.similarity import MaxMinPicker, SimilaritySearch

X, y = load_solubility(return_X_y=True)
if os.environ.get("SKCHEM_DL_FAST"):
    X, y = X[::10], y[::10]

# %%
# The maps. UMAP is a step like any other; `SkipInvalidRows` gives it the behaviour of ours towards
# broken SMILES.
maps = {
    "Principal components": make_pca_pipeline(random_state=0),
    "t-SNE": make_tsne_pipeline(random_state=0),
}
if find_spec("umap"):
    from umap import UMAP

    maps["UMAP"] = make_pipeline(
        MorganFingerprinter(), SkipInvalidRows(UMAP(metric="cosine", random_state=0, n_jobs=1))
    )

# %%
# Twelve molecules to begin with, if all should be represented, and what resembles the first.
picker = make_pipeline(MorganFingerprinter(), MaxMinPicker(12, random_state=0)).fit(X)
picks = picker[-1].selected_indices_
found = SimilaritySearch(n_neighbors=3).fit(X).nearest(X[picks[:1]])
print(f"First pick: {X[picks[0]]}; the most similar molecules:")
for row, similarity in zip(found.indices[0], found.similarities[0], strict=True):
    print(f"{similarity:6.2f}  {X[row]}")

# %%
# One picture of all.
figure, axes = plt.subplots(1, len(maps), figsize=(5 * len(maps), 4.6), layout="constrained")
for axis, (name, pipeline) in zip(axes, maps.items(), strict=True):
    places = pipeline.fit_transform(X)
    points = axis.scatter(*places.T, c=y, s=10, cmap="viridis")
    axis.scatter(*places[picks].T, s=60, facecolors="none", edgecolors="crimson")
    axis.set(title=name, xticks=[], yticks=[])
figure.colorbar(points, label="measured log10(mol/L)")
figure.savefig("maps.png", dpi=120)
print("\nThe picture is in maps.png; the picks are circled.")
