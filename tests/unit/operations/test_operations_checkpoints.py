"""What a kill leaves unreadable beside a state in a folder, and where that folder is."""

import json
from pathlib import Path

import pytest

from fedstack.operations.checkpoints import mend, state_folder


def test_only_what_cannot_be_read_goes(tmp_path: Path) -> None:
    stacks = tmp_path / ".pulumi/stacks/p"
    stacks.mkdir(parents=True)
    contents = {"dev.json": "", "dev.json.attrs": "", "dev.json.bak.attrs": '{"md5', "prod.json.attrs": '{"md5": null}'}
    for name, content in contents.items():
        (stacks / name).write_text(content)
    removed = mend({"PULUMI_BACKEND_URL": f"{tmp_path.as_uri()}?no_tmp_dir=true"})
    assert [path.name for path in removed] == ["dev.json.attrs", "dev.json.bak.attrs"]
    assert sorted(path.name for path in stacks.iterdir()) == ["dev.json", "prod.json.attrs"]
    assert mend({"PULUMI_BACKEND_URL": tmp_path.as_uri()}) == []


@pytest.mark.parametrize("address", ["s3://bucket?region=r", "https://api.pulumi.com", "azblob://state", ""])
def test_other_backends_have_no_folder(address: str, tmp_path: Path) -> None:
    assert state_folder({"PULUMI_BACKEND_URL": address, "PULUMI_HOME": str(tmp_path)}) is None


@pytest.mark.parametrize(
    ("address", "folder"),
    [
        ("file:///a/b%20c", Path("/a/b c")),
        ("file://~/x", Path.home() / "x"),
        ("file://~", Path.home()),
        ("file:///a?metadata=skip", Path("/a")),
    ],
)
def test_addresses_of_folders(address: str, folder: Path) -> None:
    assert state_folder({"PULUMI_BACKEND_URL": address}) == folder


def test_without_a_setting_the_last_login_counts(tmp_path: Path) -> None:
    (tmp_path / "credentials.json").write_text(json.dumps({"current": "file:///state"}))
    assert state_folder({"PULUMI_HOME": str(tmp_path)}) == Path("/state")
    (tmp_path / "credentials.json").write_text("[")
    assert state_folder({"PULUMI_HOME": str(tmp_path)}) is None
