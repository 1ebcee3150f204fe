"""Which settings Pulumi gets: the local cloud's only for a local stack, and never over the user's own."""

from pathlib import Path

import pytest

from fedstack.operations.environment import Project, find_project, settings
from fedstack.operations.errors import BadInputError

CLOUD = {"rpc": "http://127.0.0.1:1/RPC2", "flow": "http://127.0.0.1:2", "auth_file": "/state/one_auth"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    for key in ("ONE_XMLRPC", "ONEFLOW_URL", "ONE_AUTH", "PULUMI_HOME", "PULUMI_BACKEND_URL"):
        monkeypatch.delenv(key, raising=False)
    for key in ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"):
        monkeypatch.delenv(key, raising=False)
    (tmp_path / "Pulumi.yaml").write_text("name: fedstack\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {}\n")
    (tmp_path / "Pulumi.prod.yaml").write_text("config:\n  opennebula:endpoint: https://one.example/RPC2\n")
    return Project(tmp_path)


def test_local_stack_gets_the_local_cloud_and_a_private_backend(project: Project) -> None:
    found = settings(project, "dev", CLOUD)
    assert found["ONE_XMLRPC"] == CLOUD["rpc"]
    assert found["ONE_AUTH"] == "/state/one_auth"
    assert found["PULUMI_BACKEND_URL"].startswith(f"file://{project.root}/.fedstack/")
    assert (project.root / ".fedstack").stat().st_mode & 0o777 == 0o700


def test_other_stacks_get_no_backend_and_no_credentials(project: Project) -> None:
    found = settings(project, "prod", CLOUD)
    assert not {"ONE_AUTH", "PULUMI_BACKEND_URL", "PULUMI_HOME", "PULUMI_CONFIG_PASSPHRASE"} & found.keys()


def test_a_stack_that_names_its_cloud_is_read_there(project: Project) -> None:
    assert settings(project, "prod", CLOUD)["ONE_XMLRPC"] == "https://one.example/RPC2"


def test_the_users_own_settings_win(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://state")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE_FILE", "/secret")
    found = settings(project, "dev", CLOUD)
    assert "PULUMI_BACKEND_URL" not in found
    assert "PULUMI_CONFIG_PASSPHRASE" not in found
    monkeypatch.setenv("ONE_XMLRPC", "https://one.example/RPC2")
    assert "ONE_AUTH" not in settings(project, "dev", CLOUD)


def test_unknown_stack_names_the_known_ones(project: Project) -> None:
    with pytest.raises(BadInputError, match=r"Pulumi\.tset\.yaml does not exist .*dev, prod"):
        settings(project, "tset", CLOUD)


def test_outside_of_a_checkout(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"no Pulumi\.yaml"):
        find_project(tmp_path)
