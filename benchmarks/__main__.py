"""`python -m benchmarks [NAME...]`: runs benchmarks, prints a line for each value, writes results.json."""

import argparse
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import deploy, localcloud, machine, preview, provider, stack
from benchmarks.outcome import Outcome
from benchmarks.stacks import CommandError

BENCHMARKS: dict[str, Callable[[], list[Outcome]]] = {
    "provider": provider.measure,
    "localcloud": localcloud.measure,
    "preview": preview.measure,
    "deploy": deploy.measure,
    "stack": stack.measure,
}
RESULTS = Path(__file__).with_name("results.json")


def main(arguments: list[str]) -> int:
    """Exit code 0: all ran, whatever the figures; 1: one could not run; 2: unknown name."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Figures as ratios, into results.json.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(BENCHMARKS)} (default: all)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where to write the results")
    chosen = parser.parse_args(arguments)
    if unknown := [name for name in chosen.names if name not in BENCHMARKS]:
        parser.error(f"{unknown[0]}: no such benchmark (expected {', '.join(BENCHMARKS)})")
    before = machine.describe()
    try:
        outcomes = [outcome for name in chosen.names or BENCHMARKS for outcome in _run(name)]
    except CommandError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    write(chosen.out, outcomes, before)
    return 0


def _run(name: str) -> list[Outcome]:
    outcomes = BENCHMARKS[name]()
    for outcome in outcomes:
        print(outcome.line(), flush=True)
    return outcomes


def write(target: Path, outcomes: list[Outcome], before: dict[str, object]) -> None:
    """Results as JSON: `machine` with its load before the run, and one entry a value."""
    results = {
        "taken": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": before,
        "results": [outcome.as_dict() for outcome in outcomes],
    }
    target.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
