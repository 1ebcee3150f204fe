"""Reading one_env: quoting, empty values, token, addresses."""

from pathlib import Path

import pytest

from fedstack.appliance import context
from fedstack.appliance.context import Context
from fedstack.appliance.paths import Paths


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    monkeypatch.delenv("ONE_ENV", raising=False)
    (tmp_path / "run" / "one-context").mkdir(parents=True)
    return Paths(tmp_path)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("export A='plain'", "plain"),
        ('A="double quoted"', "double quoted"),
        ("A=bare", "bare"),
        ("export A='it'\"'\"'s'", "it's"),
        ("export A='two\nlines'", "two\nlines"),
        ("A='x=y z=1'", "x=y z=1"),
        ("# comment\nexport A='1'", "1"),
    ],
)
def test_every_quoting_of_a_shell_file_is_read(line: str, value: str) -> None:
    assert context.parse(line) == {"A": value}


def test_an_empty_value_is_no_value() -> None:
    assert context.parse("export A=''\nexport B='1'\n") == {"B": "1"}


def test_defaults_fill_the_gaps_and_the_token_is_kept_apart(paths: Paths) -> None:
    paths.one_env.write_text("export FL_NUM_ROUNDS=''\nexport TOKENTXT='secret'\nexport ETH0_IP='127.1.2.3'\n")
    read = context.read("superlink", paths)
    assert read.get("FL_NUM_ROUNDS") == "3"
    assert read.is_yes("FL_TLS_ENABLED")
    assert read.token == "secret"
    assert "secret" not in read.given.values()


def test_the_token_file_is_used_when_the_variables_have_none(paths: Paths) -> None:
    paths.one_env.write_text("export VMID='7'\n")
    paths.token_file.write_text("secret\n")
    assert context.read("supernode", paths).token == "secret"


@pytest.mark.parametrize(("address", "internal"), [("127.9.0.4", "127.9.0.4"), ("10.0.0.5", "127.0.0.1")])
def test_internal_things_listen_on_loopback(address: str, internal: str) -> None:
    here = Context("superlink", {"ETH0_IP": address}, {}, None)
    assert here.internal_address == internal


def test_container_paths_lie_below_the_flower_directory() -> None:
    paths = Paths(Path("/vm"))
    assert paths.in_flower("state/state.db") == Path("/vm/opt/flower/state/state.db")
    assert paths.in_flower("/app/checkpoints") == Path("/vm/opt/flower/checkpoints")
