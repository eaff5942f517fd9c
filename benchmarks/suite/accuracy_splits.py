"""The fits of one data set on its several splits, put together."""

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
    variants = [
        {
            "name": f"{data_set}, {_describe(kind, contenders)}",
            "options": {"data_set": data_set, "kind": kind},
            "contenders": list(contenders.values()),
        }
        for (data_set, kind), contenders in sorted(found.items(), key=lambda item: item[0][1])
    ]
    return {**result, "variants": variants}


def _describe(kind: str, contenders: dict[str, dict[str, Any]]) -> str:
    if kind == "scaffold":
        return "scaffold split"
    n_folds = max(len(who["values"]) for who in contenders.values())
    return "one random fold" if n_folds == 1 else f"{n_folds} random folds"
