"""The SuperExec of isolation ``process``: it runs apps beside Flower instead of below it (reference 2.8, rule 10d).

SuperLink and SuperNode go on when it ends, and it is started again.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from fedstack.appliance.launch import Launch
from fedstack.appliance.runtime import LAUNCH_MARK, Runtime

PROGRAM = "flower-superexec"
_PAUSE_SECONDS = 1.0


async def keep(runtime: Runtime, launch: Launch, mark: str, log: Path) -> None:
    """Keeps one running until it is cancelled; returns at once when the launch needs none. Output goes to `log`."""
    while launch.superexec:
        status = await _one_life(runtime, launch, mark, log)
        with log.open("a") as output:
            output.write(f"{PROGRAM} ended with exit status {status}, it is started again in {_PAUSE_SECONDS:g} s\n")
        await asyncio.sleep(_PAUSE_SECONDS)


async def _one_life(runtime: Runtime, launch: Launch, mark: str, log: Path) -> int:
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            str(runtime.directory / "bin" / PROGRAM),
            *launch.superexec,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            cwd=log.parent,
            env=runtime.base_environment() | launch.environment | {LAUNCH_MARK: mark},
        )
    try:
        return await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
