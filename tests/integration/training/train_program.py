"""Trains as the command line does, for tests with signals: APP ADDRESS CA-FILE ENVIRONMENT RUNS-DIR [KEY=VALUE...]."""

import sys
from pathlib import Path

from fedstack.training import Connection, final_line, parse_settings, round_line, train


def main(app: str, address: str, ca_file: str, environment: str, runs: str, *settings: str) -> int:
    """Train, print a line a round, then status, final line and error; return the run's exit code."""
    result = train(
        Path(app),
        Connection(address, Path(ca_file).read_text()),
        Path(environment),
        {},
        Path(runs),
        settings=parse_settings(settings),
        on_round=lambda one: print(round_line(one), flush=True),
    )
    print(result.status, final_line(result), result.error, sep="\n", flush=True)
    return result.exit_code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
