"""The fits of one data set on its several splits, put together."""

from collections import Counter
from typing import Any

LISTS = ("values", "seconds", "ratios", "made")


def put_together(result: dict[str, Any]) -> dict[str, Any]:
    """Give the result with a variant a data set and kind of split, its folds as its rounds."""
    found: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for variant in result["variants"]:
        options = variant["options"]
        if not result["quick"] and not options["keep"]:
            continue  # what the quick run has is there once more
        kind = "scaffold" if options["split"] == "scaffold" else "random"
        contenders = found.setdefault((options["data_set"], kind), {})
        for who in variant["contenders"]:
            if who["name"] not in contenders:
                contenders[who["name"]] = {**who, **{name: [] for name in LISTS}}
            kept = contenders[who["name"]]
            kept["error"] = kept["error"] or who["error"]
            for name in LISTS:
                kept[name] += who.get(name, [])
    for contenders in found.values():
        _keep_seconds_of_one_machine(list(contenders.values()))
    variants = [
        {
            "name": f"{data_set}, {_describe(kind, contenders)}",
            "options": {"data_set": data_set, "kind": kind},
            "contenders": list(contenders.values()),
        }
        for (data_set, kind), contenders in sorted(found.items(), key=lambda item: item[0][1])
    ]
    return {**result, "variants": variants}


def _keep_seconds_of_one_machine(contenders: list[dict[str, Any]]) -> None:
    """Leave out the seconds of folds that were fitted elsewhere than most."""
    machines = [_machines(who) for who in contenders]
    [(usual, _), *_] = Counter(name for names in machines for name in names).most_common() or [
        ("", 0)
    ]
    for who, names in zip(contenders, machines, strict=True):
        if usual in names:
            pairs = zip(names, who["seconds"], strict=True)
            who["seconds"] = [seconds for name, seconds in pairs if name == usual]


def _machines(who: dict[str, Any]) -> list[str]:
    return [made.partition(" ")[2] for made in who["made"]]


def _describe(kind: str, contenders: dict[str, dict[str, Any]]) -> str:
    if kind == "scaffold":
        return "scaffold split"
    n_folds = max(len(who["values"]) for who in contenders.values())
    return "one random fold" if n_folds == 1 else f"{n_folds} random folds"
