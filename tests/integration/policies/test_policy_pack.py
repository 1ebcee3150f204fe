"""The pack as Pulumi runs it: its own process, spoken to over gRPC."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime import rpc
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from fedstack.rules import RULES, Rule, RuleLevel, config, orchestration, readiness

Configurer = Callable[[str | None], None]
ROOT = Path(__file__).resolve().parents[3]
CONTEXT = {
    "CONTEXT": {
        "TOKEN": "YES",
        "NETWORK": "YES",
        "REPORT_READY": "YES",
        "READY_SCRIPT_PATH": "/opt/flower/scripts/health-check.sh",
    }
}
UNKNOWN = rpc.UNKNOWN
GOOD: dict[str, Any] = {
    "name": "federation",
    "deployment": "straight",
    "readyStatusGate": True,
    "roles": [
        {
            "name": "superlink",
            "type": "vm",
            "templateId": UNKNOWN,
            "cardinality": 1,
            "minVms": 1,
            "maxVms": 1,
            "templateContents": CONTEXT,
        },
        {
            "name": "supernode",
            "type": "vm",
            "templateId": UNKNOWN,
            "cardinality": 2,
            "minVms": 2,
            "maxVms": 10,
            "cooldown": 60,
            "parents": ["superlink"],
            "templateContents": CONTEXT,
        },
    ],
}


@pytest.fixture(scope="module")
def analyzer() -> Iterator[analyzer_pb2_grpc.AnalyzerStub]:
    command = [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:1", str(ROOT / "policies")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT / "policies") as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield analyzer_pb2_grpc.AnalyzerStub(channel)
        process.terminate()


def analyze(
    analyzer: analyzer_pb2_grpc.AnalyzerStub, properties: dict[str, Any], kind: str = "ServiceTemplate"
) -> list[Any]:
    struct = struct_pb2.Struct()
    struct.update(properties)
    request = analyzer_pb2.AnalyzeRequest(
        type=f"opennebula:index:{kind}",
        urn=f"urn:pulumi:dev::fedstack::opennebula:index:{kind}::x",
        name="x",
        properties=struct,
    )
    return list(analyzer.Analyze(request).diagnostics)


def changed(path: str, value: Any) -> dict[str, Any]:
    body = deepcopy(GOOD)
    *index, key = path.split(".")
    holder = body["roles"][int(index[0])] if index else body
    holder[key] = value
    return body


def test_the_pack_lists_every_rule(analyzer: analyzer_pb2_grpc.AnalyzerStub) -> None:
    info = analyzer.GetAnalyzerInfo(empty_pb2.Empty())
    assert info.name == "fedstack"
    assert [policy.name for policy in info.policies] == [rule.id for rule in RULES]
    levels = {RuleLevel.MANDATORY: analyzer_pb2.MANDATORY, RuleLevel.ADVISORY: analyzer_pb2.ADVISORY}
    assert [policy.enforcementLevel for policy in info.policies] == [levels[rule.level] for rule in RULES]


def test_a_good_template_with_unknown_ids_passes(analyzer: analyzer_pb2_grpc.AnalyzerStub) -> None:
    assert analyze(analyzer, GOOD) == []


@pytest.mark.parametrize(
    ("path", "value", "rule", "place"),
    [
        ("0.maxVms", 2, "superlink-singleton", "roles[0].maxVms"),
        (
            "0.elasticityPolicies",
            [{"expression": UNKNOWN}],
            "superlink-without-policies",
            "roles[0].elasticityPolicies",
        ),
        (
            "1.templateContents",
            {"CONTEXT": {**CONTEXT["CONTEXT"], "TOKEN": "NO"}},
            "token-in-context",
            "roles[1].templateContents.CONTEXT.TOKEN",
        ),
        ("deployment", "none", "straight-deployment", "deployment"),
        ("readyStatusGate", False, "ready-gate", "readyStatusGate"),
        ("1.parents", [], "superlink-is-parent", "roles[1].parents"),
    ],
)
def test_a_violation_is_mandatory_although_ids_are_unknown(
    analyzer: analyzer_pb2_grpc.AnalyzerStub, path: str, value: Any, rule: str, place: str
) -> None:
    (found,) = analyze(analyzer, changed(path, value))
    assert found.policyName == rule
    assert found.enforcementLevel == analyzer_pb2.MANDATORY
    assert place in found.message
    assert "Fix:" in found.message


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("roles", UNKNOWN),
        ("0.maxVms", UNKNOWN),
        ("1.templateContents", UNKNOWN),
        ("deployment", UNKNOWN),
        ("1.parents", [UNKNOWN]),
    ],
)
def test_what_is_unknown_is_not_judged(analyzer: analyzer_pb2_grpc.AnalyzerStub, path: str, value: Any) -> None:
    assert analyze(analyzer, changed(path, value)) == []


def test_other_resources_are_left_alone(analyzer: analyzer_pb2_grpc.AnalyzerStub) -> None:
    assert analyze(analyzer, {"name": "x"}, kind="VirtualNetwork") == []


def test_options_have_a_schema(analyzer: analyzer_pb2_grpc.AnalyzerStub) -> None:
    schemas = {policy.name: policy.configSchema for policy in analyzer.GetAnalyzerInfo(empty_pb2.Empty()).policies}
    for rule in RULES:
        properties = json_format.MessageToDict(schemas[rule.id]).get("properties", {})
        assert {name: each["type"] for name, each in properties.items()} == {
            option.name: option.kind for option in rule.options
        }


def test_an_advisory_rule_is_reported_as_such(analyzer: analyzer_pb2_grpc.AnalyzerStub) -> None:
    (found,) = analyze(analyzer, changed("1.cooldown", None))
    assert found.policyName == "cooldown-stated"
    assert found.enforcementLevel == analyzer_pb2.ADVISORY


def test_vm_templates_are_judged_too(analyzer: analyzer_pb2_grpc.AnalyzerStub) -> None:
    good = {"name": "vm", "cpu": 1, "memoryMb": 64, "nics": [{"networkId": UNKNOWN}], "context": {}}
    assert analyze(analyzer, good, kind="VirtualMachineTemplate") == []
    (found,) = analyze(analyzer, {**good, "nics": [{"model": "virtio"}]}, kind="VirtualMachineTemplate")
    assert found.policyName == "nic-has-network"
    assert "nics[0]" in found.message


ENVIRONMENTS = ("dev", "staging", "prod")
ENFORCED = {
    "advisory": analyzer_pb2.ADVISORY,
    "mandatory": analyzer_pb2.MANDATORY,
    "disabled": analyzer_pb2.DISABLED,
}


def configure(analyzer: analyzer_pb2_grpc.AnalyzerStub, environment: str | None) -> None:
    """Sends a file of levels and options as the engine does; None takes all of it back."""
    request = analyzer_pb2.ConfigureAnalyzerRequest()
    chosen = config.read(ROOT / "policies" / f"{environment}.json") if environment else config.Config()
    for rule, level in chosen.levels.items():
        entry = analyzer_pb2.PolicyConfig(enforcementLevel=ENFORCED[level.value])
        entry.properties.update(dict(chosen.options[rule]))
        request.policyConfig[rule].CopyFrom(entry)
    analyzer.Configure(request)


@pytest.fixture
def configured(analyzer: analyzer_pb2_grpc.AnalyzerStub) -> Iterator[Configurer]:
    yield lambda environment: configure(analyzer, environment)
    configure(analyzer, None)


def levels(analyzer: analyzer_pb2_grpc.AnalyzerStub, properties: dict[str, Any]) -> dict[str, int]:
    return {found.policyName: found.enforcementLevel for found in analyze(analyzer, properties)}


SHRINKING = {"type": "CHANGE", "adjust": -1, "expression": "CPU < 20", "cooldown": 120, "period": 120}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ("dev", {}),
        ("staging", {"cooldown-of-two-rounds": "advisory", "scale-by-flower-metrics": "advisory"}),
        (
            "prod",
            {
                "cooldown-of-two-rounds": "mandatory",
                "scale-by-flower-metrics": "advisory",
                "operator-certificates": "mandatory",
            },
        ),
    ],
)
def test_levels_and_options_are_those_of_the_environment(
    analyzer: analyzer_pb2_grpc.AnalyzerStub, configured: Configurer, environment: str, expected: dict[str, str]
) -> None:
    configured(environment)
    found = levels(analyzer, changed("1.elasticityPolicies", [SHRINKING]))
    assert found == {rule: ENFORCED[level] for rule, level in expected.items()}


def test_prod_asks_for_encryption_where_dev_remarks(
    analyzer: analyzer_pb2_grpc.AnalyzerStub, configured: Configurer
) -> None:
    plain = {**GOOD, "userInputs": {"FL_TLS_ENABLED": "O|boolean|TLS||NO"}}
    found = {}
    for environment in ENVIRONMENTS:
        configured(environment)
        found[environment] = levels(analyzer, plain)["tls-enabled"]
    assert found == {
        "dev": analyzer_pb2.ADVISORY,
        "staging": analyzer_pb2.MANDATORY,
        "prod": analyzer_pb2.MANDATORY,
    }


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_environment_gives_up_what_hangs_a_service(environment: str) -> None:
    """The rules without which a service hangs, races or splits stay mandatory everywhere."""
    chosen = config.read(ROOT / "policies" / f"{environment}.json")
    themes = (*vars(orchestration).values(), *vars(readiness).values())
    for rule in (each for each in themes if isinstance(each, Rule) and each.level is RuleLevel.MANDATORY):
        assert chosen.level(rule) is RuleLevel.MANDATORY
