"""The pack as Pulumi runs it: its own process, spoken to over gRPC."""

import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime import rpc
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from fedstack.rules import RULES

ROOT = Path(__file__).resolve().parents[3]
CONTEXT = {"CONTEXT": {"TOKEN": "YES"}}
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
    assert {policy.enforcementLevel for policy in info.policies} == {analyzer_pb2.MANDATORY}


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
        ("1.templateContents", {"CONTEXT": {}}, "token-in-context", "roles[1].templateContents.CONTEXT.TOKEN"),
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
