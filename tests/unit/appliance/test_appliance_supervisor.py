"""A supervisor starts Flower anew when its companion wants that, and counts no crash."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fedstack.appliance import status, supervisor
from fedstack.appliance.bootlog import BootLog
from fedstack.appliance.paths import Paths
from fedstack.appliance.restarts import CRASHES
from fedstack.appliance.supervisor import Supervisor
from tests.unit.appliance.test_appliance_facts import image

LIVES = CRASHES + 1


class Renewing:
    """Wants more lives than a Flower may have that crashes."""

    def __init__(self, status_file: Path) -> None:
        self.status_file = status_file
        self.pids: list[int | None] = []
        self.enough = asyncio.Event()

    async def permission(self) -> None:
        """At once."""

    async def accompany(self, connected: Callable[[], None]) -> None:
        connected()
        seen = status.load(self.status_file)
        self.pids.append(seen.pid if seen else None)
        if len(self.pids) == LIVES:
            self.enough.set()
            await asyncio.Event().wait()

    async def refused(self, reason: str) -> bool:
        raise AssertionError(f"nobody was refused: {reason}")


def test_flower_is_started_anew_as_often_as_its_certificates_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = Paths(tmp_path / "root")
    company = Renewing(paths.status_file)
    monkeypatch.setattr(supervisor, "companion", lambda *_: company)
    launch = image(paths)
    log = BootLog(paths.root / "boot.log")

    async def run() -> int:
        work = asyncio.create_task(Supervisor(paths, launch, None, log).run())
        async with asyncio.timeout(60):
            await company.enough.wait()
        os.kill(os.getpid(), 15)
        return await work

    assert asyncio.run(run()) == 0
    assert None not in company.pids
    assert len(set(company.pids)) == LIVES
    assert log.path.read_text().count("Flower is started anew with other certificates") == LIVES - 1
    assert "[WARNING]" not in log.path.read_text()
