"""Who runs the supervisor: the unit that is written for systemd, and what systemctl is told."""

import os
from pathlib import Path

import pytest

from fedstack.appliance import services
from fedstack.appliance.failure import StepError
from fedstack.appliance.paths import Paths


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `systemctl` that keeps its arguments, one call a line."""
    program, calls = tmp_path / "bin" / "systemctl", tmp_path / "calls"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >> {calls}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return calls


def test_systemd_reads_the_unit_before_it_starts_it(told: Path, tmp_path: Path) -> None:
    paths, manager = Paths(tmp_path / "root"), services.SystemdServices()
    unit = Path(manager.install("supernode", paths))
    manager.start("supernode", paths)
    assert unit == paths.root / "etc" / "systemd" / "system" / "flower-supernode.service"
    assert unit.read_text() == services.unit("supernode")
    assert told.read_text().splitlines() == ["daemon-reload", "restart flower-supernode.service"]


def test_what_systemctl_refuses_is_the_steps_failure(told: Path, tmp_path: Path) -> None:
    told.parent.joinpath("bin", "systemctl").write_text("#!/bin/sh\necho no such unit >&2; exit 5\n")
    with pytest.raises(StepError, match=r"systemctl restart flower-supernode\.service failed: no such unit"):
        services.SystemdServices().start("supernode", Paths(tmp_path))


def test_a_local_machine_has_no_systemd(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FEDSTACK_ROOT", str(tmp_path))
    assert isinstance(services.choose(), services.ProcessServices)


def test_the_unit_restarts_the_supervisor_and_gives_it_time_to_stop() -> None:
    unit = services.unit("superlink")
    for line in ("Restart=on-failure", "RestartSec=10", "StartLimitBurst=5", "TimeoutStopSec=30", "KillMode=mixed"):
        assert line in unit.splitlines()
    assert "fedstack.appliance supervise superlink" in unit
    assert services.unit_name("superlink") == "flower-superlink.service"


def test_gpu_metrics_are_a_unit_that_goes_with_the_supernode(told: Path, tmp_path: Path) -> None:
    paths = Paths(tmp_path / "root")
    services.SystemdServices().start_exporter(["/usr/bin/dcgm-exporter", "-a", "10.0.0.1:9400"], paths)
    unit = (paths.root / "etc" / "systemd" / "system" / "dcgm-exporter.service").read_text().splitlines()
    for line in (
        "PartOf=flower-supernode.service",
        "ExecStart=/usr/bin/dcgm-exporter -a 10.0.0.1:9400",
        "RestartSec=10",
    ):
        assert line in unit
    assert told.read_text().splitlines() == ["daemon-reload", "restart dcgm-exporter.service"]
