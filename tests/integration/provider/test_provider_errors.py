"""What users read when something is wrong: everything at once and before anything is touched, and never a secret."""

import ipaddress
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from provider_cloud import TestCloud, running_cloud
from provider_driver import Driver
from provider_plugin import message, running_plugin, struct
from provider_stack import Stack
from pulumi.runtime.proto import provider_pb2

from opennebula_provider.errors import ProviderError
from opennebula_provider.values import to_struct

SECRET = "tr0ub4dor-and-3"
RULE = {"protocol": "TCP", "direction": "INBOUND"}
ROLE = {"name": "a", "templateId": 0}

WRONG: dict[str, tuple[dict[str, Any], list[str]]] = {
    "Mark": ({"keepers": [SECRET]}, ["keepers: must be an object, got a list"]),
    "SecurityGroup": (
        {"nam": "x", "rules": [{**RULE, "protocol": "ICMP", "ports": "22"}, {"ip": "10.0.0.1"}], "permissions": "9"},
        [
            "nam: is not a property; did you mean name?",
            "name: is missing",
            "rules[1].protocol: is missing",
            "rules[1].direction: is missing",
            "permissions: must be three octal digits such as 640, got '9'",
            "rules[0].ports: goes with protocol TCP or UDP only, got ICMP",
            "rules[1].size: is missing: ip and size name a block together",
        ],
    ),
    "VirtualNetwork": (
        {"name": "a/b", "addressRanges": [{"type": "IP5", "size": 0}], "labels": ["a,b", "c "], "mtu": "big"},
        [
            "name: must be 1 to 128 characters without & | : \\ \" ; / ' # { } $ < >, got 'a/b'",
            "addressRanges[0].type: must be one of IP4, IP6, IP6_STATIC, IP4_6, IP4_6_STATIC, ETHER, got 'IP5'",
            "addressRanges[0].size: must be at least 1, got 0",
            "mtu: must be a whole number, got 'big'",
            "labels[0]: must be a label without commas, and without blanks at its ends, got 'a,b'",
            "labels[1]: must be a label without commas, and without blanks at its ends, got 'c '",
        ],
    ),
    "Image": (
        {"name": "a", "type": "DISC", "attributes": {"PASSWORD": 7}, "cloneFrom": -1, "path": "/x"},
        [
            "cloneFrom: must be at least 0, got -1",
            "type: must be one of OS, CDROM, DATABLOCK, KERNEL, RAMDISK, CONTEXT, got 'DISC'",
            "attributes.PASSWORD: must be a text, got a number",
            "cloneFrom: does not go with path: an image has one origin",
        ],
    ),
    "VirtualMachineTemplate": (
        {
            **{
                "name": "a",
                "cpu": 0,
                "memoryMb": 64,
                "attributes": {"Memory": SECRET},
                "context": {"PASSWORD": [SECRET]},
            },
            **{"disks": [{"imageId": 1, "image": "x"}], "graphics": {"type": "X11", "password": 1}},
        },
        [
            "cpu: must be at least 0.01, got 0",
            "context.PASSWORD: must be a text, got a list",
            "graphics.type: must be one of VNC, SPICE, SDL, got 'X11'",
            "graphics.password: must be a text, got a number",
            "attributes.Memory: has a property of its own; use that",
            "disks[0].image: does not go with imageId: give one of them",
        ],
    ),
    "VirtualMachine": (
        {"name": "a", "powerState": "maybe", "attributes": {"nic": SECRET}},
        [
            "templateId: is missing",
            "powerState: must be one of on, off, got 'maybe'",
            "attributes.nic: belongs into the template; set it there",
        ],
    ),
    "ServiceTemplate": (
        {"name": "a", "deployment": "x", "roles": [{**ROLE, "minVms": 3, "parents": ["b"]}, {**ROLE, "maxVms": "1"}]},
        [
            "deployment: must be one of none, straight, got 'x'",
            "roles[1].maxVms: must be a whole number, got '1'",
            "roles[1].name: must be unique (got 'a')",
            "roles[0].cardinality: must be at least minVms (3) (got 0)",
            "roles: role 'a' has the parent 'b', which no role is called",
        ],
    ),
    "Service": (
        {
            "name": "a",
            "userInputsValues": {"TOKEN": {"a": SECRET}},
            "roles": [
                {"name": "w", "cardinality": 9, "minVms": 4, "maxVms": 2},
                {"name": "x y", "elasticityPolicies": [{"type": "CHANGE", "adjust": 1, "expression": "LOAD >"}]},
            ],
        },
        [
            "serviceTemplateId: is missing",
            "userInputsValues.TOKEN: must be a text, got an object",
            "roles[1].name: must consist of letters, digits and underscores (got 'x y')",
            "roles[0].cardinality: must be at most maxVms (2) (got 9)",
            "roles[1].elasticityPolicies[0].expression: ",
            "roles[0].maxVms: must be at least minVms (4), got 2",
        ],
    ),
}


@pytest.mark.parametrize("kind", WRONG)
def test_all_that_is_wrong_is_said_at_once(kind: str, cloud: TestCloud) -> None:
    inputs, expected = WRONG[kind]
    before = cloud.left()
    reply = cloud.plugin().stub.Check(provider_pb2.CheckRequest(urn=Driver(cloud, kind).urn, news=to_struct(inputs)))
    found = [one.reason for one in reply.failures]
    assert len(found) == len(expected), found
    assert [text.startswith(words) for text, words in zip(found, expected, strict=True)] == [True] * len(found), found
    assert SECRET not in "".join(found)
    assert cloud.left() == before


def test_what_the_platform_refuses_keeps_text_code_object_and_call(cloud: TestCloud) -> None:
    machine, template = Driver(cloud, "VirtualMachine"), Driver(cloud, "ServiceTemplate")
    with pytest.raises(ProviderError, match=r"one\.template\.instantiate: .*\(NO_EXISTS 0x0400, object 999\)"):
        machine.create(name="a", templateId=999, context={"PASSWORD": SECRET})
    with pytest.raises(ProviderError, match=r"OneFlow POST /service_template: .*64 bits.* \(HTTP 400\)"):
        template.create(name="a", roles=[], attributes={"x": 1e300})


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestCloud, str]]:
    """A cloud behind TLS, and the file with its certificate."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = self_signed(folder)
    options = ("--tls-certificate", str(certificate), "--tls-key", str(key))
    with running_cloud(folder / "state", *options) as cloud:
        yield cloud, str(certificate)


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for this machine, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "cloud")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, *form))
    return paths


def test_a_certificate_that_is_not_trusted_says_what_to_set(secure: tuple[TestCloud, str]) -> None:
    cloud, certificate = secure

    def configure(**settings: str) -> provider_pb2.ConfigureRequest:
        return provider_pb2.ConfigureRequest(args=struct(**settings))

    with running_plugin(**cloud.environment) as plugin:
        text = message(plugin.stub.Configure, configure())
        assert text.startswith(f"the certificate of {cloud.status['rpc']} is not trusted (")
        advice = "its authority's certificate, or opennebula:insecureSkipVerify to true"
        assert text.endswith(f"set opennebula:caFile to the file with {advice}")
        plugin.stub.Configure(configure(caFile=certificate))
        plugin.stub.Configure(configure(insecureSkipVerify="true"))


def test_wrong_credentials_say_what_to_set_and_are_not_repeated(cloud: TestCloud) -> None:
    with running_plugin(**cloud.environment) as plugin:
        settings = struct(username="oneadmin", password=SECRET)
        text = message(plugin.stub.Configure, provider_pb2.ConfigureRequest(args=settings))
    assert "set opennebula:username and opennebula:password, or ONE_AUTH" in text
    assert SECRET not in text


def test_secrets_stay_secret_in_messages_state_and_logs(cloud: TestCloud, tmp_path: Path) -> None:
    """Two resources fail on the way, so that whatever errors carry is printed and kept too."""
    secret = {"secret": SECRET}
    stack = Stack(tmp_path / "project", cloud.environment)
    user, _, password = cloud.session.partition(":")
    assert stack.run("config", "set", "opennebula:username", user).returncode == 0
    assert stack.run("config", "set", "--secret", "opennebula:password", password).returncode == 0
    machine = {"name": "secretive", "cpu": 0.1, "memory_mb": 16, "context": {"PASSWORD": secret}}
    inputs = {"PASSWORD": "M|password|Password"}
    roles = [{"name": "a", "template_id": "@machine.template_id", "cardinality": 1, "user_inputs": inputs}]
    broken = {"name": "broken", "cpu": 0.1, "memory_mb": 16, "disks": [{"image_id": 4711}], "attributes": {"X": secret}}
    values = {"user_inputs_values": {"PASSWORD": secret}}
    stack.wanted = {
        "machine": {"type": "VirtualMachineTemplate", "inputs": machine},
        "broken": {"type": "VirtualMachineTemplate", "inputs": broken},
        "form": {"type": "ServiceTemplate", "inputs": {"name": "secretive", "roles": roles}},
        "service": {
            "type": "Service",
            "inputs": {
                **{"name": "secretive", "service_template_id": "@form.service_template_id"},
                "roles": [{"name": "a", **values}],
            },
        },
        "fails": {
            "type": "VirtualMachine",
            "inputs": {"name": "fails", "template_id": "@broken.template_id", "context": {"PASSWORD": secret}},
        },
    }
    traced = ("--continue-on-error", "--event-log", "events.json", "--logtostderr", "-v=3")
    failed = stack.up(*traced, ONE_AUTH="", PULUMI_DEBUG_COMMANDS="true")
    assert failed.returncode != 0
    assert "4711" in failed.stdout
    exported = stack.run("stack", "export").stdout
    assert "PASSWORD" in exported
    (tmp_path / "project/wanted.json").unlink()
    kept = [path.read_bytes() for path in (tmp_path / "project").rglob("*") if path.is_file()]
    for text in (SECRET, password):
        assert text not in failed.stdout
        assert text not in exported
        assert not any(text.encode() in content for content in kept)
    (machine_,) = [one for one in cloud.machines() if one["NAME"].startswith("a_0")]
    assert machine_["TEMPLATE"]["CONTEXT"]["PASSWORD"] == SECRET, "it arrived"
    shown = json.loads(exported)["deployment"]["resources"]
    (status,) = [one["outputs"]["roleStatus"] for one in shown if one["urn"].endswith("::service")]
    assert "PASSWORD" not in json.dumps(status)
    stack.write()
    done = stack.run("destroy", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout
