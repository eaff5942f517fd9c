"""Every public object says what it takes, gives and raises, what it rests on, and shows it."""

import ast
import inspect
import re
from dataclasses import is_dataclass
from functools import cache
from importlib import import_module

import pytest
from numpydoc.docscrape import get_doc_object
from numpydoc.validate import ERROR_MSGS, Validator, validate

import skchem_dl
from skchem_dl.nn import CONVS, READOUTS

# Checks of numpydoc's that are not made, and why.
LEFT_OUT = {
    "ES01": "one line may say it all",
    "EX01": "asked of classes and functions alone, below: a class shows its methods",
    "PR01": "below, where results may have their fields under Attributes",
    "PR02": "below, likewise",
    "RT01": "below, where an iterator may be told by what it yields",
    "RT02": "a name before the shape says what comes back",
    "SA01": "asked of classes and functions alone, below",
}
CHECKED = ERROR_MSGS.keys() - LEFT_OUT.keys()

# What rests on papers or books, and so names them.
FROM_PAPERS = (
    "callbacks.BestEpoch",
    "callbacks.LearningRateSchedule",
    "callbacks.OptunaPruning",
    "datasets.fetch_bace",
    "datasets.fetch_bbbp",
    "datasets.fetch_esol",
    "datasets.fetch_freesolv",
    "datasets.fetch_hiv",
    "datasets.fetch_lipophilicity",
    "datasets.fetch_qm9",
    "datasets.fetch_tox21",
    "datasets.load_nci",
    "datasets.load_solubility",
    "estimators.FingerprintMLPClassifier",
    "estimators.FingerprintMLPRegressor",
    "estimators.MolGNNClassifier",
    "estimators.MolGNNRegressor",
    "estimators.SmilesCNNClassifier",
    "estimators.SmilesCNNRegressor",
    "features.MolStandardizer",
    "features.MorganFingerprinter",
    "features.RDKitDescriptors",
    "features.SmilesTokenizer",
    "inspection.ComparisonDisplay",
    "inspection.MeasuredPredictedDisplay",
    "inspection.UncertaintyCalibrationDisplay",
    "inspection.atom_contributions",
    "model_selection.ButinaKFold",
    "model_selection.Comparison.test",
    "model_selection.FingerprintClusterKFold",
    "model_selection.ScaffoldKFold",
    "model_selection.ScaffoldShuffleSplit",
    "model_selection.TimeSplit",
    "model_selection.butina_groups",
    "model_selection.compare",
    "model_selection.param_space",
    "model_selection.scaffold_groups",
    "model_selection.suggest_params",
    "nn.CNN",
    "nn.GNN",
    "pipelines.ConsensusClassifier",
    "pipelines.ConsensusRegressor",
    "pipelines.make_boosting_pipeline",
    "pipelines.make_butina_pipeline",
    "pipelines.make_forest_pipeline",
    "pipelines.make_kernel_pipeline",
    "pipelines.make_neighbors_pipeline",
    "pipelines.make_tsne_pipeline",
    "similarity.ButinaClustering",
    "similarity.MaxMinPicker",
    "similarity.SimilaritySearch",
    "similarity.TanimotoNeighbors",
)
IDENTIFIER = re.compile(r"10\.\d{4,9}/\S+|ISBN[ :]*[\d-]{10,17}")
ARRAY = re.compile(r"\b(ndarray|array-like|Tensor|csr_array|CSR)\b")
SHAPE = re.compile(r"shape|length|\(|of [nm] ")
# Sums of what is there, which nobody has a paper on.
PLAIN_READOUTS = {"sum", "mean", "max", "sum_mean_max"}


def _public():
    """Give every public class and function by module and name."""
    for module in skchem_dl._SUBMODULES:
        home = import_module(f"skchem_dl.{module}")
        for name in home.__all__:
            item = getattr(home, name)
            if inspect.isclass(item) or inspect.isfunction(item):
                yield f"{module}.{name}", item


def _members(name, cls):
    """Give what is public of a class and of this package, functions as they were written."""
    for base in cls.__mro__:
        if base.__module__.startswith("skchem_dl."):
            for attribute, member in vars(base).items():
                member = getattr(member, "__func__", member)  # of class methods
                member = getattr(member, "fn", member)  # of `available_if`
                if not attribute.startswith("_") and (
                    inspect.isfunction(member) or isinstance(member, property)
                ):
                    yield f"{name}.{attribute}", member


OBJECTS = dict(_public())
CLASSES = {name: item for name, item in OBJECTS.items() if inspect.isclass(item)}
MEMBERS = {}
for _name, _class in CLASSES.items():
    for _member, _item in _members(_name, _class):
        # One that several classes inherit is looked at once, one that is overridden not at all.
        if _item not in MEMBERS.values() and _member not in MEMBERS:
            MEMBERS[_member] = _item
EVERYTHING = OBJECTS | MEMBERS
# skorch's hooks are called by it, with arguments that it documents.
HOOKS = {name for name in MEMBERS if name.rpartition(".")[2].startswith("on_")}
CALLABLE = {
    name: item
    for name, item in EVERYTHING.items()
    if name not in HOOKS and not isinstance(item, property)
}
REGISTERED = {f"conv={name}": cls for name, cls in CONVS.items()} | {
    f"readout={name}": cls for name, cls in READOUTS.items() if name not in PLAIN_READOUTS
}
CONSTANTS = (dict, tuple)  # of the names that options may have
NOT_TOLD = object()


def each(items):
    return pytest.mark.parametrize("item", items.values(), ids=list(items))


@cache
def parsed(item):
    return get_doc_object(item, config={"show_class_members": False})


def entries(item, *sections):
    """Give each name's type and description, also of those that share them."""
    return {
        name.lstrip("*"): entry
        for section in sections
        for entry in parsed(item)[section]
        for name in entry.name.split(", ")
    }


def parameters(item):
    """Give what a class or function is called with."""
    if inspect.isclass(item) and item.__init__ is Exception.__init__:
        return {}
    found = list(inspect.signature(item).parameters.values())
    if not inspect.isclass(item) and found and found[0].name in ("self", "cls"):
        found = found[1:]
    return {
        p.name: NOT_TOLD
        if p.default is p.empty or p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        else p.default
        for p in found
    }


def is_record(item):
    """Say whether it is a result with named fields, that nobody has to build."""
    return is_dataclass(item) or (inspect.isclass(item) and hasattr(item, "_fields"))


def written_default(entry):
    """Read the default value in a parameter's type."""
    found = re.search(r"default=(.+)$", entry.type)
    if found is None:
        return NOT_TOLD
    try:
        return ast.literal_eval(found[1])
    except ValueError:
        return found[1]


@each(EVERYTHING)
def test_numpydoc_finds_nothing(item):
    errors = validate(parsed(item))["errors"]
    wanted = CHECKED if item in CALLABLE.values() else {e for e in CHECKED if e[:2] != "PR"}
    assert [message for code, message in errors if code in wanted] == []


@each(CALLABLE)
def test_parameters_are_those_of_the_signature(item):
    sections = ["Parameters", "Attributes"] if is_record(item) else ["Parameters"]
    documented = entries(item, *sections)
    assert list(documented) == list(parameters(item))
    for name, default in parameters(item).items():
        if documented[name].type == "ignored":
            continue
        written = written_default(documented[name])
        if is_record(item) and written is NOT_TOLD:  # of what others make
            continue
        assert is_same(written, default), f"{name}: {documented[name].type}; is {default!r}"


def is_same(written, default):
    """Compare a documented default, text where it is no literal, with the real one."""
    if written is default or written == repr(default):
        return True
    return written == default and isinstance(written, bool) == isinstance(default, bool)


@each(CALLABLE)
def test_results_are_described(item):
    if inspect.isfunction(item) and Validator(parsed(item)).method_returns_something:
        assert parsed(item)["Returns"] or parsed(item)["Yields"]


@each(CALLABLE)
def test_what_it_raises_itself_is_told(item):
    told = " ".join(entry.type for entry in parsed(item)["Raises"])
    for node in ast.walk(ast.parse(own_code(item))):
        if isinstance(node, ast.Raise) and node.exc is not None:
            raised = getattr(node.exc, "func", node.exc)
            assert ast.unparse(raised) in told


def own_code(item):
    """Give the source of a function, or of what runs when an object is made."""
    functions = [item]
    if inspect.isclass(item):
        made = [vars(item).get(name) for name in ("__init__", "__post_init__")]
        functions = [function for function in made if has_source(function)]
    return "\n".join(Validator(parsed(function)).method_source for function in functions)


def has_source(function):
    """Say whether it is a function, and not one that was made by `dataclass`."""
    return inspect.isfunction(function) and function.__code__.co_filename != "<string>"


@each(EVERYTHING)
def test_attributes_and_errors_are_described(item):
    for name, entry in entries(item, "Attributes", "Raises", "Warns").items():
        text = "".join(entry.desc)
        assert entry.type, name
        assert text[:1] == text[:1].upper() and text.endswith("."), f"{name}: {text!r}"


@each(CALLABLE)
def test_arrays_have_a_shape(item):
    sections = ("Parameters", "Attributes", "Returns", "Yields")
    for entry in (entry for section in sections for entry in parsed(item)[section]):
        if ARRAY.search(entry.type):
            assert SHAPE.search(entry.type), f"{entry.name}: {entry.type}"


@each(EVERYTHING)
def test_names_of_ours_in_the_text_exist(item):
    for name in re.findall(r"`(skchem_dl\.[\w.]+)`", inspect.getdoc(item)):
        assert name in KNOWN or isinstance(Validator._load_obj(name), CONSTANTS), name


@each(OBJECTS)
def test_it_shows_itself(item):
    assert any(line.lstrip().startswith(">>>") for line in parsed(item)["Examples"])


@pytest.mark.parametrize("name", OBJECTS)
def test_it_points_at_others_that_exist(name):
    home = shortest(name).rpartition(".")[0]
    others = [other for group, _ in parsed(OBJECTS[name])["See Also"] for other, _ in group]
    assert others
    for other in others:
        # Sphinx looks in the module that the page belongs to, and for the full name.
        known = {f"{home}.{other}", other} & KNOWN
        assert known or is_foreign(other), f"{other} is neither of {home} nor a full name"


def shortest(name):
    """Give the name under which users import it, and under which it has its page."""
    inner = name.partition(".")[2]
    return f"skchem_dl.{inner if inner.split('.')[0] in skchem_dl.__all__ else name}"


KNOWN = {shortest(name) for name in EVERYTHING} | {
    f"skchem_dl.{module}" for module in skchem_dl._SUBMODULES
}


def is_foreign(name):
    """Say whether it is another library's, by its full name."""
    if name.startswith("skchem_dl.") or "._" in name:
        return False
    try:
        Validator._load_obj(name)
    except (ImportError, AttributeError):
        return False
    return "." in name


@pytest.mark.parametrize("name", FROM_PAPERS)
def test_it_names_its_papers(name):
    assert IDENTIFIER.search("\n".join(parsed(EVERYTHING[name])["References"]))


@each(REGISTERED)
def test_convolutions_and_readouts_name_their_papers(item):
    assert IDENTIFIER.search("\n".join(parsed(item)["References"]))


@each(EVERYTHING | REGISTERED)
def test_every_reference_can_be_found(item):
    doc = "\n".join(parsed(item)["References"])
    references = [part for part in re.split(r"^\s*\.\. \[\d+\]", doc, flags=re.M) if part.strip()]
    for reference in references:
        assert IDENTIFIER.search(reference) or "http" in reference, reference
    cited = set(re.findall(r"\[(\d+)\]_", inspect.getdoc(item)))
    assert cited <= set(re.findall(r"^\s*\.\. \[(\d+)\]", doc, flags=re.M))


@pytest.mark.parametrize(
    "module", ["skchem_dl", *(f"skchem_dl.{m}" for m in skchem_dl._SUBMODULES)]
)
def test_modules_say_what_is_in_them(module):
    doc = import_module(module).__doc__
    assert doc and doc.splitlines()[0].endswith(".")
