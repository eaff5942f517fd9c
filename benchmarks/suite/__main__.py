"""Build the environments, measure, and write the tables.

python -m benchmarks.suite envs
python -m benchmarks.suite run [--quick] [--data FOLDER] [--only SUBJECT ...] [--rounds 5]
python -m benchmarks.suite report
"""

import argparse
import signal
import sys
import time
from pathlib import Path

from benchmarks.suite import environments, report, results
from benchmarks.suite.processes import ForkServers
from benchmarks.suite.runner import Plan, measure_subject, variants
from benchmarks.suite.subject import DATA_SETS, FOLDER, subject_names


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("envs", help="an environment for each peer, in .bench")
    run = commands.add_parser("run", help="measure, then write the tables")
    run.add_argument("--quick", action="store_true", help="in ten minutes")
    run.add_argument(
        "--data", type=Path, help="of csv files", default=FOLDER.parents[1] / "shared" / "data"
    )
    run.add_argument("--only", nargs="+", choices=subject_names(), default=subject_names())
    run.add_argument("--rounds", type=int, help="instead of as many as are worth it")
    run.add_argument("--threads", type=int, default=2)
    commands.add_parser("report", help="write the tables again")
    arguments = parser.parse_args()
    if arguments.command == "envs":
        environments.build_all()  # a peer that does not install is reported, and left out later
    elif arguments.command == "run":
        # Else contenders that are at work would go on, and disturb what comes after.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
        try:
            measure(arguments)
        finally:
            report.write()
    else:
        report.write()


def measure(arguments: argparse.Namespace) -> None:
    plan = Plan(arguments.data, arguments.quick, arguments.rounds, arguments.threads)
    sets = {
        v.data_set
        for name in arguments.only
        for v in variants(name, plan)
        if "data_set" in v.options
    }
    files = [DATA_SETS[name][0] for name in DATA_SETS if name in sets]
    missing = [file for file in files if not (arguments.data / file).exists()]
    if missing:
        sys.exit(
            f"{', '.join(missing)} of MoleculeNet not found in {arguments.data}; say where with "
            "--data FOLDER, or make bench-quick DATA=FOLDER."
        )
    with ForkServers(plan.threads) as servers:
        for name in arguments.only:
            began = time.perf_counter()
            print(f"{name}:", flush=True)
            for found in measure_subject(name, plan, servers):  # what is done stays, come what may
                results.write(found, quick=plan.quick, threads=plan.threads)
            print(f"  {time.perf_counter() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
