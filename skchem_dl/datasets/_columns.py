"""Which columns hold the SMILES and the targets."""

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path

# What people call it, best first; compared without case, spaces and punctuation.
_SMILES_NAMES = ("smiles", "canonicalsmiles", "isomericsmiles", "smilesstring", "smi")
_LAST_RESORTS = ("mol", "structure")


def pick_smiles(header: list[str], name: str | None, path: Path) -> str:
    """Give the column of SMILES: the one named, or the one that is called so.

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
    found = _called_smiles(header)
    if len(found) == 1:
        return found[0]
    if found:
        raise ValueError(f"{path}: {found} could all be the SMILES. Say which one with smiles=.")
    raise ValueError(
        f"{path} has no column that is called SMILES; its columns are {header[:20]}. Name the one "
        "that holds them with smiles=. If these are no names, the file lacks its header line."
    )


def pick_columns(header: list[str], names: Sequence[str], path: Path) -> list[str]:
    """Give the named columns, once each.

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


def wanted_counter(smiles: str | None, targets: Sequence[str]) -> Callable[[list[str]], int]:
    """Make a function that counts how many of the columns looked for stand in a header."""

    def count(header: list[str]) -> int:
        has_smiles = smiles in header if smiles is not None else bool(_called_smiles(header))
        return has_smiles + sum(name in header for name in targets)

    return count


def _called_smiles(header: list[str]) -> list[str]:
    """Give the columns of the best name there is, among them those with SMILES in their name."""
    plain = {name: "".join(filter(str.isalnum, name.casefold())) for name in header}
    groups = [[name for name in header if plain[name] == wanted] for wanted in _SMILES_NAMES]
    groups.append([name for name in header if "smiles" in plain[name]])
    groups += [[name for name in header if plain[name] == wanted] for wanted in _LAST_RESORTS]
    return next(filter(None, groups), [])


def _nearest(name: str, header: list[str]) -> str:
    folded = {column.casefold(): column for column in header}
    near = get_close_matches(name.strip().casefold(), folded, n=1)
    return f" Did you mean {folded[near[0]]!r}?" if near else ""
