"""Pipelines from SMILES to a map of the molecules, or to clusters of them."""

from typing import Any

from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.pipeline import Pipeline

from skchem_dl.features import MorganFingerprinter
from skchem_dl.pipelines._factories import build_pipeline
from skchem_dl.pipelines._skip_invalid import SkipInvalidRows
from skchem_dl.preprocessing import DescriptorScaler
from skchem_dl.similarity import ButinaClustering


def make_pca_pipeline(
    *, featurizer: Any = None, on_invalid: str | None = None, **params: Any
) -> Pipeline:
    """Morgan fingerprints into their principal components: a map of the molecules.

    Parameters
    ----------
    featurizer : transformer, default=None
        Instead of ``MorganFingerprinter()``.
    on_invalid : {"raise", "nan"}, default=None
        Set on the featuriser, where given.
    **params
        For `sklearn.decomposition.PCA`; two components, unless `n_components` says otherwise.

    Returns
    -------
    Pipeline
        With the steps "featurizer" and "estimator" (a `SkipInvalidRows`).
        Raw descriptors (`RDKitDescriptors`, alone or in a union) get a `DescriptorScaler` between
        them, the step "scaler".

    See Also
    --------
    make_tsne_pipeline : A map that keeps similar molecules together.
    skchem_dl.inspection.ChemicalSpaceDisplay : Draws the map.

    Examples
    --------
    >>> from skchem_dl.pipelines import make_pca_pipeline
    >>> make_pca_pipeline().fit_transform(["CCO", "CCCO", "c1ccccc1"]).shape
    (3, 2)
    """
    estimator = PCA(**{"n_components": 2, **params})
    return build_pipeline(
        featurizer,
        MorganFingerprinter(),
        on_invalid,
        SkipInvalidRows(estimator),
        scaler=DescriptorScaler(),
    )


def make_cluster_pipeline(
    *, featurizer: Any = None, on_invalid: str | None = None, **params: Any
) -> Pipeline:
    """Morgan fingerprints into k-means clusters.

    Parameters
    ----------
    featurizer : transformer, default=None
        Instead of ``MorganFingerprinter()``.
    on_invalid : {"raise", "nan"}, default=None
        Set on the featuriser, where given.
    **params
        For `sklearn.cluster.KMeans`; eight clusters, unless `n_clusters` says otherwise.

    Returns
    -------
    Pipeline
        With the steps "featurizer" and "estimator" (a `SkipInvalidRows`).
        Raw descriptors (`RDKitDescriptors`, alone or in a union) get a `DescriptorScaler` between
        them, the step "scaler".

    See Also
    --------
    make_butina_pipeline : As many clusters as there are, by Tanimoto similarity.

    Examples
    --------
    >>> from skchem_dl.pipelines import make_cluster_pipeline
    >>> clusters = make_cluster_pipeline(n_clusters=2, random_state=0)
    >>> clusters.fit_predict(["CCO", "CCCO", "c1ccccc1", "c1ccccc1C"]).shape
    (4,)
    """
    estimator = KMeans(**params)
    return build_pipeline(
        featurizer,
        MorganFingerprinter(),
        on_invalid,
        SkipInvalidRows(estimator),
        scaler=DescriptorScaler(),
    )


def make_butina_pipeline(
    *, featurizer: Any = None, on_invalid: str | None = None, **params: Any
) -> Pipeline:
    """Morgan fingerprints into Butina's clusters of similar molecules.

    Parameters
    ----------
    featurizer : transformer, default=None
        Instead of ``MorganFingerprinter()``; counts will do, too.
    on_invalid : {"raise", "nan"}, default=None
        Set on the featuriser, where given.
    **params
        For `skchem_dl.similarity.ButinaClustering`: `distance_threshold`.

    Returns
    -------
    Pipeline
        With the steps "featurizer" and "estimator". Invalid molecules are labelled -1.

    See Also
    --------
    make_cluster_pipeline : A given number of clusters, by k-means; it can `predict`.

    References
    ----------
    .. [1] Butina, D. Unsupervised Data Base Clustering Based on Daylight's Fingerprint and
       Tanimoto Similarity. J. Chem. Inf. Comput. Sci. 1999, 39, 747-750.
       https://doi.org/10.1021/ci9803381

    Examples
    --------
    >>> from skchem_dl.pipelines import make_butina_pipeline
    >>> clusters = make_butina_pipeline()
    >>> clusters.fit_predict(["CCO", "CCCO", "c1ccccc1CCN", "c1ccccc1CCCN"])
    array([1, 1, 0, 0])
    >>> clusters["estimator"].cluster_center_indices_
    array([3, 1])
    """
    estimator = ButinaClustering(**params)
    return build_pipeline(featurizer, MorganFingerprinter(), on_invalid, estimator)


def make_tsne_pipeline(
    *, featurizer: Any = None, on_invalid: str | None = None, **params: Any
) -> Pipeline:
    """Morgan fingerprints onto a map by t-SNE: similar molecules are near each other.

    t-SNE places the molecules that it is fitted on and no others: the pipeline has
    `fit_transform`, not `transform`. For new molecules on an old map see `make_pca_pipeline`.

    The distance is the cosine distance. It agrees with Tanimoto's on nine in ten of a molecule's
    nearest neighbours (the Euclidean distance on half of them), and scikit-learn lets it start from
    the principal components, as it should [2]_; neighbours by `TanimotoNeighbors` would have to
    start at random.

    Parameters
    ----------
    featurizer : transformer, default=None
        Instead of ``MorganFingerprinter()``.
    on_invalid : {"raise", "nan"}, default=None
        Set on the featuriser, where given.
    **params
        For `sklearn.manifold.TSNE`; its `perplexity`, 30 by default, must be smaller than the
        number of molecules. ``metric="cosine"``, unless `metric` says otherwise.

    Returns
    -------
    Pipeline
        With the steps "featurizer" and "estimator" (a `SkipInvalidRows`).
        Raw descriptors (`RDKitDescriptors`, alone or in a union) get a `DescriptorScaler` between
        them, the step "scaler".

    See Also
    --------
    make_pca_pipeline : A map that takes new molecules, of large differences first.

    References
    ----------
    .. [1] van der Maaten, L.; Hinton, G. Visualizing Data using t-SNE. J. Mach. Learn. Res. 2008,
       9, 2579-2605. https://jmlr.org/papers/v9/vandermaaten08a.html
    .. [2] Kobak, D.; Linderman, G. C. Initialization is Critical for Preserving Global Data
       Structure in Both t-SNE and UMAP. Nat. Biotechnol. 2021, 39, 156-157.
       https://doi.org/10.1038/s41587-020-00809-z

    Examples
    --------
    >>> from skchem_dl.pipelines import make_tsne_pipeline
    >>> smiles = ["CCO", "CCCO", "CCCCO", "c1ccccc1", "c1ccccc1C", "c1ccccc1CC"]
    >>> make_tsne_pipeline(perplexity=2, random_state=0).fit_transform(smiles).shape
    (6, 2)
    """
    estimator = TSNE(**{"metric": "cosine", **params})
    return build_pipeline(
        featurizer,
        MorganFingerprinter(),
        on_invalid,
        SkipInvalidRows(estimator),
        scaler=DescriptorScaler(),
    )
