"""Featurisers: molecules in, arrays out."""

from skchem_dl.features._cache import FeatureCache
from skchem_dl.features._descriptors import RDKitDescriptors
from skchem_dl.features._fingerprints import MorganFingerprinter
from skchem_dl.features._graphs import MolGraphizer
from skchem_dl.features._standardize import MolStandardizer
from skchem_dl.features._tokens import SmilesTokenizer
from skchem_dl.features._union import MolFeatureUnion

__all__ = [
    "FeatureCache",
    "MolFeatureUnion",
    "MolGraphizer",
    "MolStandardizer",
    "MorganFingerprinter",
    "RDKitDescriptors",
    "SmilesTokenizer",
]
