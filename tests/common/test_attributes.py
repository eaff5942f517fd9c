"""What `fit` sets is what the documentation lists, no more and no less."""

from cases import classes, small
from numpydoc.docscrape import ClassDoc
from sklearn.utils import get_tags

from skchem_dl import (
    FingerprintMLPClassifier,
    MolGraphizer,
    MorganFingerprinter,
    RDKitDescriptors,
    SmilesTokenizer,
)


def with_everything(model, folder):
    """Set what makes `fit` leave more behind than it does by default."""
    names = model.get_params()
    rich = {
        "log_dir": folder,
        "estimator": small(FingerprintMLPClassifier()),
        "molecule_features": RDKitDescriptors(["TPSA"]),
    }
    return model.set_params(**{name: value for name, value in rich.items() if name in names})


def rich_features(model, smiles):
    """Give X with names of columns, or with molecule features."""
    tags = get_tags(model).input_tags
    if tags.string:
        return smiles
    if not tags.two_d_array:
        return MolGraphizer(molecule_features=RDKitDescriptors(["TPSA"])).fit_transform(smiles)
    tokens = tags.positive_only and not tags.sparse
    featurizer = SmilesTokenizer() if tokens else MorganFingerprinter(fp_size=64)
    return featurizer.set_output(transform="pandas").fit_transform(smiles)


def fitted_attributes(model):
    ours = (base for base in type(model).__mro__ if base.__module__.startswith("skchem_dl."))
    names = {name for base in ours for name in vars(base)} | vars(model).keys()
    public = {name for name in names if name.endswith("_") and not name.startswith("_")}
    return {name for name in public if hasattr(model, name)}


def documented_attributes(model):
    doc = ClassDoc(type(model), config={"show_class_members": False})
    return {name for entry in doc["Attributes"] for name in entry.name.split(", ")}


@classes
def test_every_attribute_is_documented_and_there(make, smiles, tmp_path):
    model = with_everything(make(), tmp_path)
    model.fit(rich_features(model, smiles), [float("c" in text) for text in smiles])
    assert fitted_attributes(model) == documented_attributes(model)
