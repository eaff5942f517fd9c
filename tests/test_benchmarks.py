"""The benchmark suite measures real work in processes of its own, and reports what fails."""

import csv
import json
import shutil
import signal
from dataclasses import replace

import pytest

from benchmarks.subjects import start_up
from benchmarks.suite import __main__ as command
from benchmarks.suite import environments, plots, processes, report, results, runner
from benchmarks.suite.subject import OURS, Case, load_subject, subject_names
from skchem_dl.datasets import load_solubility


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    X, y = load_solubility(return_X_y=True)
    with (folder / "lipophilicity.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["smiles", "exp"])
        writer.writerows(zip(X[:50], y[:50], strict=True))
    return folder


def measured(subject, data, rounds=1):
    """Give the one variant of a subject's quick run."""
    plan = runner.Plan(data, quick=True, rounds=rounds, threads=1)
    with processes.ForkServers(plan.threads) as servers:
        (found,) = runner.measure_subject(subject, plan, servers)
    return found


@pytest.mark.parametrize("name", subject_names())
def test_every_subject_is_whole(name):
    subject = load_subject(name)
    assert subject.title and subject.variants and OURS in subject.contenders
    assert len({variant.name for variant in subject.variants}) == len(subject.variants)
    for variant in subject.variants:
        assert any(who.applies(variant) for who in subject.contenders.values())
        if subject.unit.per_molecule:
            assert variant.options["n"] > 0
    assert set(subject.remarks) <= set(subject.contenders)
    assert name in (*report.ORDER, "scaling")


def test_a_subject_is_measured_in_turn(data):
    found = measured("tokens", data, rounds=2)
    ours, rdkit = found["variants"][0]["contenders"]
    assert (ours["name"], ours["error"], rdkit["error"]) == (OURS, None, None)
    assert len(ours["values"]) == len(rdkit["values"]) == 2
    assert rdkit["is_bare"] and not ours["is_bare"]
    assert ours["versions"]["rdkit"] == rdkit["versions"]["rdkit"]
    expected = [a / b for a, b in zip(ours["values"], rdkit["values"], strict=True)]
    assert rdkit["ratios"] == pytest.approx(expected)
    json.dumps(found)


@pytest.mark.slow
def test_a_contender_that_fails_is_reported_and_the_others_go_on(data, monkeypatch):
    monkeypatch.setattr(processes, "is_ready", lambda name: name == OURS)
    found = measured("graphs", data)
    (only,) = found["variants"]
    by_name = {who["name"]: who for who in only["contenders"]}
    assert by_name[OURS]["values"] and by_name["RDKit, parsing alone"]["values"]
    assert "make bench-envs" in by_name["dgllife"]["error"]
    assert not by_name["dgllife"]["values"]


@pytest.mark.slow
def test_a_contender_that_breaks_says_why(tmp_path):
    found = measured("tokens", tmp_path)
    for who in found["variants"][0]["contenders"]:
        assert "lipophilicity.csv" in who["error"]  # which is not there


def test_rounds_that_are_asked_for_are_made(data, monkeypatch):
    subject = load_subject("tokens")
    monkeypatch.setattr(subject, "variants", [replace(subject.variants[0], rounds=2)])
    found = measured("tokens", data)
    assert [len(who["values"]) for who in found["variants"][0]["contenders"]] == [1, 1]


@pytest.mark.parametrize(
    ("asked", "seconds", "expected"), [(None, 0.0, 3), (None, 1e9, 15), (2, 1e9, 2), (4, 0.0, 4)]
)
def test_short_work_has_more_rounds(asked, seconds, expected, monkeypatch):
    monkeypatch.setitem(runner.SECONDS, True, seconds)
    assert list(runner._rounds(asked, quick=True)) == list(range(expected))


def test_a_process_that_cannot_start_is_told(data, monkeypatch):
    monkeypatch.setattr(processes, "python_of", lambda name: shutil.which("false"))
    errors = [who["error"] for who in measured("tokens", data)["variants"][0]["contenders"]]
    assert errors == 2 * ["the process to be forked ended with code 1"]


def test_what_was_printed_last_is_told():
    with processes.ForkServers(1) as servers:
        server = servers.get(OURS, imports=False)
        worker = server.fork({"subject": "tokens", "contender": OURS})
        with pytest.raises(processes.Failed, match=r"^KeyError: 'data'$"):
            worker.wait_until_ready()
        worker.stop()  # once more does no harm


def test_a_worker_is_waited_for():
    assert start_up.in_worker("import pickle; pickle.loads(network)", start_up.fitted())() > 0


def test_a_quick_run_leaves_the_thorough_one(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    for subject, quick in (("tokens", False), ("tokens", True), ("graphs", True)):
        results.write({"subject": subject}, quick=quick, threads=1)
    assert len(list(tmp_path.iterdir())) == 3
    assert results.read_all().keys() == {"tokens", "graphs"}


def test_the_last_run_is_shown(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    dates = {"tokens": "2026-11-22T09:00:00", "tokens_quick": "2026-11-23T08:00:00"}
    dates |= {"graphs": "2026-11-22", "graphs_quick": "2026-11-21T23:00:00"}  # days have no hours
    for name, day in dates.items():
        (tmp_path / f"{name}.json").write_text(json.dumps({"date": day}))
    assert {name: found["date"][:10] for name, found in results.read_all().items()} == {
        "tokens": "2026-11-23",
        "graphs": "2026-11-22",
    }


def test_an_environment_of_other_requirements_is_not_ready(tmp_path, monkeypatch):
    monkeypatch.setattr(environments, "FOLDER", tmp_path)
    assert environments.is_ready(OURS) and not environments.is_ready("chemprop")
    (tmp_path / "chemprop").mkdir()
    stamp = tmp_path / "chemprop" / ".installed"
    requirements = environments.ENVIRONMENTS["chemprop"].requirements
    stamp.write_text("\n".join(["torch==2.13.0", *requirements]))
    assert environments.is_ready("chemprop")
    stamp.write_text("chemprop==1.0")
    assert not environments.is_ready("chemprop")


@pytest.mark.parametrize("column", ["smiles", "mol"])
def test_smiles_of_bace(column, tmp_path):
    (tmp_path / "bace.csv").write_text(f"{column},pIC50\nCCO ,5.5\nC,6\n")
    case = Case(tmp_path, {"data_set": "bace"}, 1)
    assert (case.smiles, case.y.tolist()) == (["CCO", "C"], [5.5, 6.0])


def test_what_data_is_missing_is_said(data, monkeypatch):
    arguments = ["suite", "run", "--data", str(data), "--only", "tokens", "accuracy"]
    monkeypatch.setattr(report, "write", lambda: None)
    monkeypatch.setattr(signal, "signal", lambda *arguments: None)
    for also, missing in (
        (["graphs"], "esol.csv, freesolv.csv, bace.csv, hiv.csv"),
        (["--quick"], "freesolv.csv"),
    ):
        monkeypatch.setattr("sys.argv", [*arguments, *also])
        with pytest.raises(SystemExit, match=rf"^{missing} of MoleculeNet .* DATA="):
            command.main()


def contender(name, values, ratios, error=None, is_bare=False):
    return {
        "name": name,
        "is_bare": is_bare,
        "versions": {name: "1.2"},
        "values": values,
        "peak_mib": 10.0,
        "ratios": ratios,
        "error": error,
    }


@pytest.fixture
def result():
    return {
        "date": "2026-11-22",
        "quick": True,
        "machine": {
            "threads": 2,
            "cores": 4,
            "cpu": "C",
            "memory_gib": 8,
            "system": "S",
            "python": "3",
        },
        "subject": "tokens",
        "title": "Tokens",
        "unit": {"name": "molecules/s"},
        "variants": [
            {
                "name": "1 process",
                "contenders": [
                    contender(OURS, [900.0, 1_000.0, 1_300.0], [1.0, 1.0, 1.0]),
                    contender("slow", [100.0], [10.0]),
                    contender("quick", [2_000.0, 2_100.0, 1_900.0], [0.5, 0.4, 0.8]),
                    contender("broken", [], [], error="no module\nnamed x"),
                ],
            }
        ],
    }


def test_a_table_says_who_is_faster(result):
    text = report.section(result, load_subject("tokens"))
    assert "| 1 process | **skchem_dl** | 1,000 |  |" in text
    assert "|  | slow | 100 | 10 × |" in text
    assert "|  | quick | 2,000 | 0.5 × (0.4 to 0.8) |" in text
    assert "did not run: no module named x" in text
    assert "Better than `skchem_dl`: quick, 1 process (2 ×)." in text
    assert "slow" not in text.partition("Better")[2].partition("\n")[0]


def test_memory_has_the_peak_beside(result):
    text = report.section({**result, "unit": {"name": "bytes/molecule"}}, load_subject("memory"))
    assert "| | | bytes/molecule | peak [MiB] | `skchem_dl` is better by |" in text
    assert "|---|---|---:|---:|---:|" in text
    assert "|  | slow | 100 | 10 | 10 × |" in text
    assert "|  | broken | did not run: no module named x |  |  |" in text


def test_the_overview_shows_peers_but_not_ourselves(result, tmp_path):
    (variant,) = result["variants"]
    variant["contenders"].append(contender("skchem_dl, dense", [10.0], [100.0]))
    assert [name for name, _, _ in plots._peers(variant)] == ["slow", "quick"]
    plots.draw_overview([result], tmp_path / "overview.png")
    assert (tmp_path / "overview.png").stat().st_size > 10_000


def test_a_quick_run_has_no_picture_of_its_own(result):
    assert plots.own_picture({**result, "subject": "accuracy"}) is None
    assert plots.own_picture({**result, "subject": "accuracy", "quick": False}) is not None


@pytest.fixture
def accuracy(result):
    def variant(split, ours, other):
        contenders = [contender(OURS, [ours], [1.0]), contender("peer", [other], [other / ours])]
        for who, seconds in zip(contenders, (10.0, 40.0), strict=True):
            who["seconds"] = [seconds]
        options = {"data_set": "esol", "split": split, "keep": "quick" not in split}
        return {"name": split, "options": options, "contenders": contenders}

    variants = [variant("fold 0", 0.5, 0.6), variant("scaffold", 0.8, 0.7)]
    variants += [variant("fold 1", 0.7, 0.6), variant("fold 0 (quick)", 9.0, 9.0)]
    unit = {"name": "RMSE"}
    return {**result, "subject": "accuracy", "quick": False, "unit": unit, "variants": variants}


def test_folds_of_a_data_set_are_put_together(accuracy):
    text = report.section(accuracy, load_subject("accuracy"))
    assert "| | | RMSE | fit [s] | `skchem_dl` is better by |" in text
    assert "| esol, 2 random folds | **skchem_dl** | 0.6 | 10 |  |" in text
    assert "|  | peer | 0.6 | 40 | 1.03 × (0.857 to 1.2) |" in text
    assert "| esol, scaffold split | **skchem_dl** | 0.8 | 10 |  |" in text
    assert "Better than `skchem_dl`: peer, esol, scaffold split (1.14 ×)." in text


def test_when_and_where_kept_fits_were_made(accuracy):
    days = ("monday (A)", "tuesday (B)", "monday (A)", "monday (A)")
    for variant, made in zip(accuracy["variants"], days, strict=True):
        for who in variant["contenders"]:
            who["made"] = [made]
    text = report.section(accuracy, load_subject("accuracy"))
    assert "full run, of fits made monday (A) and tuesday (B), 2 threads on 4 virtual" in text


def test_seconds_of_two_machines_are_not_mixed(accuracy):
    first, _, second, _ = accuracy["variants"]
    for variant, made in ((first, ["monday (A)"]), (second, ["monday (B)"])):
        for who in variant["contenders"]:
            who["made"], who["seconds"] = made, [10.0 if variant is first else 90.0]
    third = {**second, "name": "fold 2", "options": {**second["options"], "split": "fold 2"}}
    accuracy["variants"].append(third)
    text = report.section(accuracy, load_subject("accuracy"))
    assert "| esol, 3 random folds | **skchem_dl** | 0.633 | 90 |  |" in text


def test_a_fold_that_failed_is_told(accuracy):
    accuracy["variants"][2]["contenders"][1] |= {"error": "gone", "values": [], "seconds": []}
    text = report.section(accuracy, load_subject("accuracy"))
    assert "|  | peer | did not run: gone |  |  |" in text


def test_the_picture_of_error_against_time(accuracy, tmp_path):
    plots.draw_own(accuracy, tmp_path)
    assert (tmp_path / "accuracy.png").stat().st_size > 10_000
