"""Every row of the TLS decisions (reference 5.2 and 5.3), and that they fail closed."""

import base64
import datetime
from pathlib import Path

import pytest

from fedstack.appliance import certificates, files, tls
from fedstack.appliance.certificates import Material
from fedstack.appliance.failure import ErrorCode, StepError
from fedstack.appliance.service import Announcement
from fedstack.appliance.tls import NodeTls, Source


def announced(*, with_tls: bool, ca: str = "gate-ca") -> Announcement:
    return Announcement(0, "127.0.0.1:9092", with_tls, ca if with_tls else "", with_tls, "1.36.0", frozenset())


@pytest.mark.parametrize(
    ("enabled", "values", "source"),
    [
        (False, {}, Source.OFF),
        (False, {tls.CA: "x"}, Source.OFF),
        (True, {}, Source.GENERATED),
        (True, {tls.CERTIFICATE: "x", tls.KEY: "x"}, Source.GENERATED),
        (True, {tls.CA: "x", tls.CERTIFICATE: "x", tls.KEY: "x"}, Source.OPERATOR),
    ],
)
def test_superlink_decision(enabled: bool, values: dict[str, str], source: Source) -> None:
    assert tls.superlink_source(values, enabled) is source


@pytest.mark.parametrize("missing", [tls.CERTIFICATE, tls.KEY])
def test_an_incomplete_triple_is_a_configuration_error(missing: str) -> None:
    values = {name: "x" for name in (tls.CA, tls.CERTIFICATE, tls.KEY) if name != missing}
    with pytest.raises(StepError, match=missing) as caught:
        tls.superlink_source(values, True)
    assert caught.value.code is ErrorCode.CONFIG_VALIDATION_FAILED


@pytest.mark.parametrize(
    ("switch", "own", "gate", "decision"),
    [
        ("YES", "own", announced(with_tls=True), NodeTls("own")),
        ("yes", "", announced(with_tls=True), NodeTls("gate-ca")),
        ("YES", "own", None, NodeTls("own")),
        ("", "", announced(with_tls=True), NodeTls("gate-ca")),
        ("", "own", announced(with_tls=True), NodeTls("own")),
        ("", "", announced(with_tls=False), NodeTls(None)),
        ("", "", None, NodeTls(None)),
        ("NO", "", announced(with_tls=False), NodeTls(None)),
        ("NO", "own", None, NodeTls(None)),
    ],
)
def test_supernode_decision(switch: str, own: str, gate: Announcement | None, decision: NodeTls) -> None:
    assert tls.node_decision(switch, own, gate) == decision


def test_tls_off_against_a_superlink_with_tls_is_warned_of() -> None:
    decision = tls.node_decision("NO", "", announced(with_tls=True))
    assert decision.ca is None
    assert decision.warning is not None


@pytest.mark.parametrize(
    ("switch", "gate"),
    [("YES", None), ("YES", announced(with_tls=True, ca="")), ("", announced(with_tls=True, ca=""))],
)
def test_there_is_no_silent_downgrade(switch: str, gate: Announcement | None) -> None:
    with pytest.raises(StepError, match="there is no CA") as caught:
        tls.node_decision(switch, "", gate)
    assert caught.value.code is ErrorCode.TLS_SETUP_FAILED


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    material = Material(tmp_path_factory.mktemp("operator"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(certificates, "KEY_BITS", 2048)
        certificates.generate(material, "127.0.0.1", certificates.alternative_names("127.0.0.1", ""))
    found = {tls.CA: material.ca, tls.CERTIFICATE: material.server, tls.KEY: material.server_key}
    return {name: base64.b64encode(path.read_bytes()).decode() for name, path in found.items()}


def test_operator_certificates_are_installed_and_verified(operator: dict[str, str], tmp_path: Path) -> None:
    material = Material(tmp_path / "certs")
    note = tls.setup_superlink(material, Source.OPERATOR, operator, "127.0.0.1")
    assert note.startswith("operator certificates, valid until ")
    assert material.directory.stat().st_mode & 0o777 == 0o700
    assert material.server_key.stat().st_mode & 0o777 == 0o600
    assert not material.ca_key.exists()


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        (tls.CA, "%%%", "does not decode"),
        (tls.CA, base64.b64encode(b"text").decode(), "ca.crt is no X.509 certificate"),
        (tls.KEY, base64.b64encode(b"text").decode(), "server.key is no unencrypted private key"),
    ],
)
def test_bad_operator_material_fails_the_step(
    operator: dict[str, str], tmp_path: Path, name: str, value: str, problem: str
) -> None:
    with pytest.raises(StepError, match=problem):
        tls.setup_superlink(Material(tmp_path), Source.OPERATOR, operator | {name: value}, "127.0.0.1")


def test_a_second_boot_reuses_the_certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "KEY_BITS", 2048)
    material = Material(tmp_path / "certs")
    tls.setup_superlink(material, Source.GENERATED, {}, "127.0.0.1")
    before = material.server.read_bytes()
    note = tls.setup_superlink(material, Source.GENERATED, {}, "127.0.0.1")
    assert "reused" in note
    assert material.server.read_bytes() == before


def test_a_supernode_keeps_only_a_ca_that_parses(operator: dict[str, str], tmp_path: Path) -> None:
    material = Material(tmp_path / "certs")
    assert tls.install_node_ca(material, operator[tls.CA]).startswith("CA valid until ")
    assert material.ca.read_bytes() == base64.b64decode(operator[tls.CA])
    with pytest.raises(StepError, match=r"no X\.509 certificate"):
        tls.install_node_ca(material, base64.b64encode(b"text").decode())


def test_what_is_published_is_the_ca_on_one_line_and_how_long_all_is_valid(
    operator: dict[str, str], tmp_path: Path
) -> None:
    material = Material(tmp_path)
    tls.setup_superlink(material, Source.OPERATOR, operator, "127.0.0.1")
    said = tls.published(material)
    year = f"{datetime.datetime.now(datetime.UTC) + certificates.VALID_FOR:%Y-%m-%d}"
    assert said.keys() == {"FL_CA_CERT", "FL_CA_EXPIRES", "FL_CERT_EXPIRES"}
    assert said["FL_CA_CERT"] == operator[tls.CA] and "\n" not in said["FL_CA_CERT"]
    assert said["FL_CA_EXPIRES"][:10] == said["FL_CERT_EXPIRES"][:10] == year
    assert said["FL_CA_EXPIRES"].endswith("Z")


def test_a_boot_finishes_a_rotation_that_was_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "KEY_BITS", 2048)
    material = Material(tmp_path / "certs")
    tls.setup_superlink(material, Source.GENERATED, {}, "127.0.0.1")
    tls.setup_superlink(material.successor, Source.GENERATED, {}, "127.0.0.1")
    files.write(material.successor.rotation, "id", 0o644)
    wanted = material.successor.server.read_bytes()
    material.successor.server_key.replace(material.server_key)  # killed after the first of its files
    note = tls.setup_superlink(material, Source.GENERATED, {}, "127.0.0.1")
    assert "reused" in note
    assert material.server.read_bytes() == wanted
    assert material.rotation.read_text() == "id"
