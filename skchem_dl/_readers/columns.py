"""Which columns hold the SMILES and the targets."""

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path

from skchem_dl.features._molecules import parse_molecules

# What people call it, best first; compared without case, spaces and punctuation.
_SMILES_NAMES = ("smiles", "canonicalsmiles", "isomericsmiles", "smilesstring", "smi")
_LAST_RESORTS = ("mol", "structure")


def pick_smiles(header: list[str], name: str | None, path: Path) -> str:
    """Return the column of SMILES: the one named, or the one that is called so.

    Parameters
    ----------
    header : list of str
    name : str or None
    path : Path
        For the messages.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If there is no such column, or, without a name, none or several that could be it.
    """
    if name is not None:
        return pick_columns(header, [name], path)[0]
    found = called_smiles(header)
    if len(found) == 1:
        return found[0]
    if found:
        raise ValueError(f"{path}: {found} could all be the SMILES. Say which one with smiles=.")
    raise ValueError(
        f"{path} has no column that is called SMILES; its columns are {header[:20]}. Name the one "
        f"that holds them with smiles=.{missing_header_hint(header)}"
    )


def pick_columns(header: list[str], names: Sequence[str], path: Path) -> list[str]:
    """Return the named columns, once each.

    Raises
    ------
    ValueError
        If there is no such column, naming those there are and the nearest.
    """
    for name in names:
        if name not in header:
            raise ValueError(
                f"{path} has no column {name!r}; its columns are {header[:20]}."
                + _nearest(name, header)
            )
        if list(names).count(name) > 1:
            raise ValueError(f"The column {name!r} was asked for twice.")
    return list(names)


def header_score(smiles: str | None, targets: Sequence[str]) -> Callable[[list[str]], float]:
    """Return a function that scores how many of the wanted columns a header contains.

    The less the name of the SMILES column resembles "smiles", the lower its weight.
    """

    def score(header: list[str]) -> float:
        if smiles is not None:
            found = float(smiles in header)
        else:
            groups = _groups_called_smiles(header)
            rank = next((rank for rank, group in enumerate(groups) if group), len(groups))
            found = 1 - rank / len(groups)
        return found + sum(name in header for name in targets)

    return score


def called_smiles(header: Sequence[str]) -> list[str]:
    """Return the columns of the best name there is, among them those with SMILES in their name."""
    return next(filter(None, _groups_called_smiles(header)), [])


def refuse_molecule_as_header(name: str, path: Path, advice: str = "") -> None:
    """Raise a ValueError if the name of the column of SMILES is a molecule, or one with a name.

    Parameters
    ----------
    name : str
    path : Path
    advice : str
        What else one may do than add a header.
    """
    if parse_molecules([name, *name.split()[:1]]).valid.any():
        raise ValueError(
            f"{path}: the first line should hold the names of the columns, but {name!r} is a valid "
            "SMILES, so the file seems to have no header, and its first molecule would be lost. "
            f'Add a first line with names, such as "smiles"{advice}.'
        )


def missing_header_hint(header: Sequence[str]) -> str:
    """Return a sentence for a message if the first line looks like data, "" otherwise."""
    if not header:
        return ""
    parsed = parse_molecules(list(header))
    for name, valid in zip(header, parsed.valid, strict=True):
        if valid:
            return (
                f" The file may lack its header: {name!r} in its first line is a valid SMILES. If "
                "so, add a first line with the names of the columns."
            )
    return ""


def _groups_called_smiles(header: Sequence[str]) -> list[list[str]]:
    """Return the columns for each kind of name, the best kind first."""
    plain = {name: "".join(filter(str.isalnum, name.casefold())) for name in header}
    groups = [[name for name in header if plain[name] == wanted] for wanted in _SMILES_NAMES]
    groups.append([name for name in header if "smiles" in plain[name]])
    groups += [[name for name in header if plain[name] == wanted] for wanted in _LAST_RESORTS]
    return groups


def _nearest(name: str, header: list[str]) -> str:
    folded = {column.casefold(): column for column in header}
    near = get_close_matches(name.strip().casefold(), folded, n=1)
    return f" Did you mean {folded[near[0]]!r}?" if near else ""
