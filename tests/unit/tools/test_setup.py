"""The choice between an installed Pulumi and one that is built."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def setup() -> ModuleType:
    spec = importlib.util.spec_from_file_location("setup_tool", ROOT / "tools/setup.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def executable(folder: Path, name: str, output: str) -> None:
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\necho {output}\n")
    file.chmod(0o755)


@pytest.mark.parametrize(
    ("version", "host", "taken"),
    [("v3.187.0", True, True), ("v3.259.0", True, True), ("v3.186.9", True, False), ("v3.259.0", False, False)],
)
def test_an_installed_pulumi_is_taken_when_it_is_complete(
    setup: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, host: bool, taken: bool
) -> None:
    folder = tmp_path / "bin"
    executable(folder, "pulumi", version)
    if host:
        executable(folder, "pulumi-language-python", version)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    assert setup.installed_pulumi() == (str(folder / "pulumi") if taken else None)


def test_no_pulumi_and_no_go_says_what_to_install(
    setup: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert setup.installed_pulumi() is None
    with pytest.raises(setup.SetupError, match=r"Go 1\.26"):
        setup.built("pulumi")
