"""`python -m fedstack.localcloud ...`: the cloud in the foreground. Exit code 2: no start, one line says why."""

from __future__ import annotations

import json
import logging
import os
import sys

from fedstack.localcloud import daemon, options
from fedstack.localcloud.errors import CloudError


def main(arguments: list[str]) -> int:
    """Runs until SIGTERM; returns the exit code."""
    wanted, descriptor = options.parse(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")

    logging.getLogger("uvicorn").setLevel(logging.ERROR)  # what clients do wrong is theirs

    def report(text: str) -> None:
        if descriptor is not None:
            os.write(descriptor, text.encode())
            os.close(descriptor)

    try:
        daemon.run(wanted, report)
    except CloudError as error:
        sys.stderr.write(f"error: {error}\n")
        report(json.dumps({"error": str(error)}))
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
