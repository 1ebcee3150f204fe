"""``fedstack-appliance boot|supervise|health|report superlink|supernode``: the appliance's programs inside a VM.

Exit status: 0 well, 1 not, 2 called wrongly. Each program imports only what it needs: a health check has to be quick.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import cast

from fedstack.appliance.paths import Paths
from fedstack.context import Appliance


def boot(appliance: Appliance, paths: Paths) -> int:
    """Boots the machine."""
    from fedstack.appliance import boot as sequence
    from fedstack.appliance.bootlog import BootLog

    log = BootLog(paths.logs / "flower-bootstrap.log")
    if appliance == "superlink":
        from fedstack.appliance import superlink

        return sequence.run(superlink.STEPS, superlink.SuperLinkBoot(paths, log))
    from fedstack.appliance import supernode

    return sequence.run(supernode.STEPS, supernode.SuperNodeBoot(paths, log))


def supervise(appliance: Appliance, paths: Paths) -> int:
    """Keeps Flower running."""
    from fedstack.appliance import supervisor

    return supervisor.supervise(appliance, paths)


def health(appliance: Appliance, paths: Paths) -> int:
    """Says whether READY may be reported, and why not."""
    from fedstack.appliance import health as checks

    problem = checks.check(appliance, paths)
    print(problem or "healthy")
    return 1 if problem else 0


def report(appliance: Appliance, paths: Paths) -> int:
    """The same for the guest agent, as the last step of the boot log."""
    from fedstack.appliance import report as last_step

    return last_step.report(appliance, paths)


PROGRAMS: dict[str, Callable[[Appliance, Paths], int]] = {
    "boot": boot,
    "supervise": supervise,
    "health": health,
    "report": report,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """The entry point."""
    parser = argparse.ArgumentParser(prog="fedstack-appliance", description="Programs of a Flower VM.")
    parser.add_argument("program", choices=PROGRAMS)
    parser.add_argument("appliance", choices=["superlink", "supernode"])
    chosen = parser.parse_args(arguments)
    return PROGRAMS[chosen.program](cast(Appliance, chosen.appliance), Paths.from_environment())


if __name__ == "__main__":
    sys.exit(main())
