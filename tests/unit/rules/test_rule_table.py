"""One table: what breaks each rule, and what comes close but does not."""

import base64
from typing import Any

import pytest
from unit.rules.rule_templates import (
    ABSENT,
    CONTEXT,
    GOOD,
    GOOD_VM,
    SITE_INPUTS,
    changed,
    coordinator,
    site,
)

from fedstack.rules import RULES, UNKNOWN, Place, check

KEY = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"
CA = base64.b64encode(b"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n").decode()
LINK, NODE = "0/user_inputs/", "1/user_inputs/"
VALUES = "1/user_inputs_values/"
SCRIPT = "0/template_contents/CONTEXT/START_SCRIPT"
POLICIES = "1/elasticity_policies/"


def number(value: object) -> str:
    return f"O|number|x||{value}"


def text(value: object) -> str:
    return f"O|text|x||{value}"


def encoded(value: str) -> str:
    return base64.b64encode(value.encode()).decode()


NO_SCALING = {f"1/{key}": ABSENT for key in ("min_vms", "max_vms", "elasticity_policies", "scheduled_policies")}


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("superlink-singleton", {"0/cardinality": 2, "0/max_vms": 2}, "roles[0].cardinality"),
    ("superlink-singleton", {"0/cardinality": ABSENT}, "roles[0].cardinality"),
    ("superlink-singleton", {"0/min_vms": 0}, "roles[0].min_vms"),
    ("superlink-singleton", {"0/max_vms": 2}, "roles[0].max_vms"),
    ("superlink-singleton", {"0/max_vms": ABSENT}, "roles[0].max_vms"),
    ("superlink-without-policies", {"0/elasticity_policies": [{}]}, "roles[0].elasticity_policies"),
    ("superlink-without-policies", {"0/scheduled_policies": [UNKNOWN]}, "roles[0].scheduled_policies"),
    ("minimum-covers-clients", {LINK + "FL_MIN_FIT_CLIENTS": number(3)}, "roles[1].min_vms"),
    ("minimum-covers-clients", {LINK + "FL_MIN_AVAILABLE_CLIENTS": number(5)}, "roles[1].min_vms"),
    ("minimum-covers-clients", {"1/min_vms": 1}, "roles[1].min_vms"),
    (
        "minimum-covers-clients",
        {"1/min_vms": ABSENT, "1/cardinality": 1, "1/elasticity_policies": ABSENT},
        "roles[1].cardinality",
    ),
    (
        "minimum-covers-clients",
        {"1/scheduled_policies/0/adjust": 1},
        "roles[1].scheduled_policies[0].adjust",
    ),
    ("cooldown-stated", {"1/cooldown": ABSENT}, "roles[1].cooldown"),
    (
        "token-in-context",
        {"0/template_contents/CONTEXT/TOKEN": ABSENT},
        "roles[0].template_contents.CONTEXT.TOKEN",
    ),
    ("token-in-context", {"1/template_contents/CONTEXT/TOKEN": "NO"}, "roles[1].template_contents.CONTEXT.TOKEN"),
    (
        "report-ready",
        {"1/template_contents/CONTEXT/REPORT_READY": ABSENT},
        "roles[1].template_contents.CONTEXT.REPORT_READY",
    ),
    (
        "ready-script",
        {"1/template_contents/CONTEXT/READY_SCRIPT_PATH": ""},
        "roles[1].template_contents.CONTEXT.READY_SCRIPT_PATH",
    ),
    ("ready-not-preset", {"0/template_contents/FL_READY": "YES"}, "roles[0].template_contents.FL_READY"),
    (
        "ready-not-preset",
        {"0/template_contents/CONTEXT/FL_READY": "YES"},
        "roles[0].template_contents.CONTEXT.FL_READY",
    ),
    ("ready-not-preset", {NODE + "DATA_READY": "O|boolean|x||YES"}, "roles[1].user_inputs.DATA_READY"),
    ("ready-not-preset", {"user_inputs_values/READY": "YES"}, "user_inputs_values.READY"),
    ("ready-gate", {"ready_status_gate": False}, "ready_status_gate"),
    ("ready-gate", {"ready_status_gate": ABSENT}, "ready_status_gate"),
    ("ready-gate", {"ready_status_gate": "true"}, "ready_status_gate"),
    ("straight-deployment", {"deployment": "none"}, "deployment"),
    ("straight-deployment", {"deployment": ABSENT}, "deployment"),
    ("superlink-is-parent", {"1/parents": ABSENT}, "roles[1].parents"),
    ("superlink-is-parent", {"1/parents": []}, "roles[1].parents"),
    ("parents-exist", {"1/parents": ["superlink", "gateway"]}, "roles[1].parents"),
    ("no-circular-parents", {"0/parents": ["supernode"]}, "roles[0].parents"),
    ("no-circular-parents", {"1/parents": ["superlink", "supernode"]}, "roles[1].parents"),
    ("role-names", {"1/name": "super-node"}, "roles[1].name"),
    ("role-names", {"0/name": ABSENT, "1/parents": ABSENT, "1/name": "web"}, "roles[0].name"),
    ("cardinality-stated", {"1/cardinality": 0} | NO_SCALING, "roles[1].cardinality"),
    ("cardinality-stated", {"1/cardinality": ABSENT}, "roles[1].cardinality"),
    ("cardinality-within-bounds", {"1/cardinality": 11}, "roles[1].cardinality"),
    ("cardinality-within-bounds", {"1/min_vms": 3}, "roles[1].cardinality"),
    ("numbers-as-numbers", {"1/cooldown": "60"}, "roles[1].cooldown"),
    ("numbers-as-numbers", {"1/cardinality": 2.5}, "roles[1].cardinality"),
    ("current-names", {"custom_attrs": {}}, "custom_attrs"),
    ("graceful-shutdown", {"shutdown_action": "terminate-hard"}, "shutdown_action"),
    ("graceful-shutdown", {"0/shutdown_action": "terminate-hard"}, "roles[0].shutdown_action"),
    (
        "networks-exist",
        {"1/template_contents/NIC": [{"NETWORK_ID": "$private"}]},
        "roles[1].template_contents.NIC[0].NETWORK_ID",
    ),
    ("networks-have-values", {"networks": {"private": "M|network|text"}}, "networks.private"),
    (
        "network-in-context",
        {"0/template_contents/CONTEXT/NETWORK": ABSENT},
        "roles[0].template_contents.CONTEXT.NETWORK",
    ),
    ("one-level-per-input", {NODE + "FLOWER_VERSION": text("1.36.0")}, "roles[1].user_inputs.FLOWER_VERSION"),
    (
        "one-level-per-input",
        {LINK + "FL_LOG_LEVEL": text("INFO"), NODE + "FL_LOG_LEVEL": text("INFO")},
        "roles[1].user_inputs.FL_LOG_LEVEL",
    ),
    (
        "one-level-per-input",
        {"user_inputs_values/X": "1", VALUES + "X": "2"},
        "roles[1].user_inputs_values.X",
    ),
    ("no-infrastructure-inputs", {"user_inputs/TOKEN": text("YES")}, "user_inputs.TOKEN"),
    (
        "superlink-is-discovered",
        {NODE + "FL_SUPERLINK_ADDRESS": "O|text|x"},
        "roles[1].user_inputs.FL_SUPERLINK_ADDRESS",
    ),
    ("no-literal-address", {"description": "dials 10.0.0.5:9092"}, "description"),
    (
        "tunables-are-inputs",
        {"1/template_contents/CONTEXT/FL_MAX_RETRIES": "3"},
        "roles[1].template_contents.CONTEXT.FL_MAX_RETRIES",
    ),
    (
        "no-parent-reference",
        {"1/template_contents/CONTEXT/PEER": "${superlink.template.context.eth0_ip}"},
        "roles[1].template_contents.CONTEXT.PEER",
    ),
    ("no-empty-user-inputs", {"1/user_inputs": {}}, "roles[1].user_inputs"),
    ("variable-values", {LINK + "FL_STRATEGY": text("FaultTolerantFedAvg")}, "roles[0].user_inputs.FL_STRATEGY"),
    ("variable-values", {LINK + "FL_DATABASE": text("/opt/flower/state.db")}, "roles[0].user_inputs.FL_DATABASE"),
    (
        "robust-strategy-size",
        {LINK + "FL_STRATEGY": text("Krum"), LINK + "FL_NUM_MALICIOUS": number(1)},
        "roles[0].user_inputs.FL_STRATEGY",
    ),
    (
        "keepalive-timeout",
        {"user_inputs/FL_GRPC_KEEPALIVE_TIMEOUT": number(60)},
        "user_inputs.FL_GRPC_KEEPALIVE_TIMEOUT",
    ),
    (
        "certificates-complete",
        {"user_inputs/FL_SSL_CA_CERTFILE": f"O|text64|x||{CA}"},
        "user_inputs.FL_SSL_CA_CERTFILE",
    ),
    ("use-case-fits-framework", {NODE + "FL_USE_CASE": text("llm-fine-tuning")}, "roles[1].user_inputs.FL_USE_CASE"),
    (
        "fit-clients-within-available",
        {LINK + "FL_MIN_FIT_CLIENTS": number(3), "1/min_vms": 3, "1/cardinality": 3},
        "roles[0].user_inputs.FL_MIN_FIT_CLIENTS",
    ),
    (
        "fedprox-has-a-term",
        {LINK + "FL_STRATEGY": text("FedProx"), LINK + "FL_PROXIMAL_MU": text("0.0")},
        "roles[0].user_inputs.FL_PROXIMAL_MU",
    ),
    (
        "checkpoint-path",
        {LINK + "FL_CHECKPOINT_PATH": text("/opt/flower/x"), LINK + "FL_CHECKPOINT_ENABLED": text("YES")},
        "roles[0].user_inputs.FL_CHECKPOINT_PATH",
    ),
    (
        "checkpoints-on-superlink",
        {NODE + "FL_CHECKPOINT_ENABLED": text("YES")},
        "roles[1].user_inputs.FL_CHECKPOINT_ENABLED",
    ),
    ("gpu-metrics-need-gpu", {NODE + "FL_DCGM_ENABLED": text("YES")}, "roles[1].user_inputs.FL_DCGM_ENABLED"),
    (
        "gpu-fits-framework",
        {NODE + "FL_GPU_ENABLED": text("YES"), NODE + "ML_FRAMEWORK": text("sklearn")},
        "roles[1].user_inputs.FL_GPU_ENABLED",
    ),
    ("variables-with-effect", {LINK + "FL_TRIM_BETA": text("0.3")}, "roles[0].user_inputs.FL_TRIM_BETA"),
    (
        "variables-with-effect",
        {
            LINK + "FL_CERT_EXTRA_SAN": text("DNS:a.b"),
            "user_inputs/FL_TLS_ENABLED": ABSENT,
            "1/user_inputs/FL_TLS_ENABLED": text("NO"),
            LINK + "FL_TLS_ENABLED": text("NO"),
        },
        "roles[0].user_inputs.FL_CERT_EXTRA_SAN",
    ),
    (
        "names-of-generated-certificates",
        {
            LINK + "FL_CERT_EXTRA_SAN": text("DNS:a.b"),
            LINK + "FL_SSL_CA_CERTFILE": f"O|text64|x||{CA}",
            LINK + "FL_SSL_CERTFILE": "M|text64|x",
            LINK + "FL_SSL_KEYFILE": "M|password|x",
        },
        "roles[0].user_inputs.FL_CERT_EXTRA_SAN",
    ),
    (
        "partitions-differ",
        {VALUES + "FL_NODE_CONFIG": "partition-id=0 num-partitions=2"},
        "roles[1].user_inputs_values.FL_NODE_CONFIG",
    ),
    (
        "one-flower-version",
        {VALUES + "FLOWER_VERSION": "1.31.0"},
        "roles[1].user_inputs_values.FLOWER_VERSION",
    ),
    ("one-tls-setting", {VALUES + "FL_TLS_ENABLED": "no"}, "roles[1].user_inputs_values.FL_TLS_ENABLED"),
    ("one-isolation", {NODE + "FL_ISOLATION": text("process")}, "roles[1].user_inputs.FL_ISOLATION"),
    (
        "keepalive-interval",
        {"user_inputs/FL_GRPC_KEEPALIVE_TIME": number(25)},
        "user_inputs.FL_GRPC_KEEPALIVE_TIME",
    ),
    (
        "keepalive-interval",
        {LINK + "FL_GRPC_KEEPALIVE_TIME": number(90)},
        "roles[0].user_inputs.FL_GRPC_KEEPALIVE_TIME",
    ),
    ("cooldown-of-two-rounds", {POLICIES + "1/cooldown": 120}, "roles[1].elasticity_policies[1].cooldown"),
    ("cooldown-of-two-rounds", {POLICIES + "1/cooldown": ABSENT}, "roles[1].elasticity_policies[1].cooldown"),
    ("cooldown-leaves-room", {POLICIES + "1/cooldown": 1800}, "roles[1].elasticity_policies[1].cooldown"),
    ("scale-by-flower-metrics", {POLICIES + "0/expression": "CPU > 80"}, "roles[1].elasticity_policies[0].expression"),
    (
        "expressions-read-numbers",
        {POLICIES + "0/expression": "FL_TRAINING_ACTIVE > 0"},
        "roles[1].elasticity_policies[0].expression",
    ),
    ("expressions-read-numbers", {POLICIES + "0/expression": "LOAD > 1"}, "roles[1].elasticity_policies[0].expression"),
    (
        "thresholds-apart",
        {POLICIES + "1/expression": "FL_CLIENT_STATUS < 1.8"},
        "roles[1].elasticity_policies[1].expression",
    ),
    ("policies-change-something", {POLICIES + "0/adjust": 0}, "roles[1].elasticity_policies[0].adjust"),
    ("policies-change-something", {"1/scheduled_policies/0/adjust": 40}, "roles[1].scheduled_policies[0].adjust"),
    ("period-is-seen", {POLICIES + "0/period": 30}, "roles[1].elasticity_policies[0].period"),
    ("coordinator-alone", {"name": "Federation - Coordinator"}, "roles[1]"),
    ("edge-quorum", {NODE + "FL_EDGE_BACKOFF": "O|list|x|exponential,fixed|exponential"}, "roles[1]"),
    (
        "edge-without-framework",
        {
            NODE + "FL_EDGE_BACKOFF": text("exponential"),
            NODE + "ML_FRAMEWORK": text("sklearn"),
            LINK + "FL_MIN_AVAILABLE_CLIENTS": number(1),
            LINK + "FL_MIN_FIT_CLIENTS": number(1),
        },
        "roles[1].user_inputs.ML_FRAMEWORK",
    ),
    ("no-plain-secrets", {"user_inputs/PIN": "M|password|x||1234"}, "user_inputs.PIN"),
    ("no-plain-secrets", {"user_inputs_values/API_KEY": "abc"}, "user_inputs_values.API_KEY"),
    (
        "no-plain-secrets",
        {"1/template_contents/CONTEXT/PASSWORD": "abc"},
        "roles[1].template_contents.CONTEXT.PASSWORD",
    ),
    ("no-plain-secrets", {SCRIPT: f"echo '{KEY}' > key"}, "roles[0].template_contents.CONTEXT.START_SCRIPT"),
    ("no-plain-secrets", {SCRIPT + "_BASE64": encoded(KEY)}, "roles[0].template_contents.CONTEXT.START_SCRIPT_BASE64"),
    ("tls-enabled", {"user_inputs/FL_TLS_ENABLED": text("NO")}, "user_inputs.FL_TLS_ENABLED"),
    (
        "gpu-memory-share",
        {
            NODE + "FL_GPU_MEMORY_FRACTION": text("0.95"),
            NODE + "FL_GPU_ENABLED": text("YES"),
            NODE + "ML_FRAMEWORK": text("pytorch"),
        },
        "roles[1].user_inputs.FL_GPU_MEMORY_FRACTION",
    ),
    (
        "no-strategy-flag",
        {SCRIPT: "exec flower-superlink --insecure --strategy FedAvg"},
        "roles[0].template_contents.CONTEXT.START_SCRIPT",
    ),
    (
        "no-monitoring-stack",
        {SCRIPT + "_BASE64": encoded("apt-get install -y grafana")},
        "roles[0].template_contents.CONTEXT.START_SCRIPT_BASE64",
    ),
    (
        "no-certificate-globs",
        {SCRIPT: "cat /opt/flower/certs/*.pem | publish"},
        "roles[0].template_contents.CONTEXT.START_SCRIPT",
    ),
    (
        "discovery-by-readiness",
        {SCRIPT: "jq -r '.SERVICE.roles[0].nodes[0].vm_info'"},
        "roles[0].template_contents.CONTEXT.START_SCRIPT",
    ),
]
"""Rule, what is changed in a good template, and the place that is reported. No other rule may speak up."""

OTHERS: list[tuple[str, dict[str, Any], str]] = [
    ("site-has-address", site({"FL_SSL_CA_CERTFILE": "M|text64|CA"}), "roles[0].user_inputs"),
    (
        "site-has-address",
        site(SITE_INPUTS | {"FL_SUPERLINK_ADDRESS": "O|text|x"}),
        "roles[0].user_inputs.FL_SUPERLINK_ADDRESS",
    ),
    ("sites-encrypt", site(SITE_INPUTS | {"FL_TLS_ENABLED": text("NO")}), "roles[0].user_inputs.FL_TLS_ENABLED"),
    ("sites-encrypt", coordinator({"FL_TLS_ENABLED": text("NO")}), "roles[0].user_inputs.FL_TLS_ENABLED"),
    ("site-has-authority", site({"FL_SUPERLINK_ADDRESS": "M|text|x"}), "roles[0].user_inputs"),
    ("remote-name-in-certificate", coordinator({"FL_NUM_ROUNDS": number(10)}), "roles[0].user_inputs"),
]

VM: list[tuple[str, dict[str, Any], str]] = [
    ("vm-has-network", {"NIC": ABSENT}, "NIC"),
    ("vm-has-network", {"NIC": []}, "NIC"),
    ("nic-has-network", {"NIC": [{"MODEL": "virtio"}]}, "NIC[0]"),
    ("gpu-firmware", {"OS/FIRMWARE": "BIOS"}, "OS.FIRMWARE"),
    ("gpu-machine", {"OS/MACHINE": ABSENT}, "OS.MACHINE"),
    ("gpu-pinning", {"TOPOLOGY": ABSENT}, "TOPOLOGY.PIN_POLICY"),
    ("ready-not-preset", {"READY": "YES"}, "READY"),
    ("no-plain-secrets", {"CONTEXT/ROOT_PASSWORD": "abc"}, "CONTEXT.ROOT_PASSWORD"),
    ("no-strategy-flag", {"CONTEXT/START_SCRIPT": "flower-superlink --strategy=x"}, "CONTEXT.START_SCRIPT"),
]

EXPECTED_TOO = {
    "cardinality-stated": {"minimum-covers-clients"},
    "tls-enabled": {"variables-with-effect"},
    "variables-with-effect": {"tls-enabled", "one-level-per-input"},
    "role-names": {"superlink-is-parent"},
    "minimum-covers-clients": {"policies-change-something", "fit-clients-within-available"},
    "policies-change-something": {"thresholds-apart"},
}
"""Other rules that the same change breaks with good reason."""


def broken(body: Any, place: Place = Place.SERVICE_TEMPLATE) -> list[tuple[str, str]]:
    return [(violation.rule.id, violation.path) for violation in check(body, place=place)]


def verify(rule: str, path: str, found: list[tuple[str, str]]) -> None:
    assert (rule, path) in found
    assert {name for name, _ in found} <= {rule} | EXPECTED_TOO.get(rule, set())


def test_good_templates_break_nothing() -> None:
    assert broken(GOOD) == []
    assert broken(GOOD_VM, Place.VM_TEMPLATE) == []
    assert broken(site(SITE_INPUTS)) == []
    assert broken(coordinator({"FL_CERT_EXTRA_SAN": "O|text|x"})) == []


@pytest.mark.parametrize(("rule", "changes", "path"), BAD)
def test_bad(rule: str, changes: dict[str, Any], path: str) -> None:
    verify(rule, path, broken(changed(changes)))


@pytest.mark.parametrize(("rule", "body", "path"), OTHERS)
def test_bad_sites(rule: str, body: dict[str, Any], path: str) -> None:
    verify(rule, path, broken(body))


@pytest.mark.parametrize(("rule", "changes", "path"), VM)
def test_bad_vm_templates(rule: str, changes: dict[str, Any], path: str) -> None:
    verify(rule, path, broken(changed(changes, GOOD_VM), Place.VM_TEMPLATE))


@pytest.mark.parametrize(
    "changes",
    [
        {"0/cardinality": 1.0},
        {"0/elasticity_policies": []},
        {"0/template_contents": {"context": {key.lower(): value for key, value in CONTEXT["CONTEXT"].items()}}},
        {"0/template_contents": {"CONTEXT": [CONTEXT["CONTEXT"]]}},
        {"0/template_contents": UNKNOWN},
        {"0/template_contents/CONTEXT/TOKEN": UNKNOWN},
        {"0/cardinality": UNKNOWN},
        {"0/elasticity_policies": UNKNOWN},
        {"0/name": UNKNOWN},
        {"1/parents": UNKNOWN},
        {"1/parents": [UNKNOWN]},
        {"1/min_vms": UNKNOWN},
        {"deployment": UNKNOWN},
        {"ready_status_gate": UNKNOWN},
        {"roles": UNKNOWN},
        {"user_inputs": UNKNOWN},
        {LINK + "FL_MIN_FIT_CLIENTS": UNKNOWN},
        {LINK + "FL_STRATEGY": UNKNOWN, LINK + "FL_NUM_MALICIOUS": number(3)},
        {"1/elasticity_policies/0/expression": UNKNOWN, "1/elasticity_policies/1/cooldown": UNKNOWN},
        {"networks": {"private": "M|network|text||id:1"}, "1/template_contents/NIC": [{"NETWORK_ID": "$private"}]},
        {"networks": UNKNOWN, "1/template_contents/NIC": [{"NETWORK_ID": "$private"}]},
        {LINK + "FL_FLEET_API_ADDRESS": text("0.0.0.0:9092")},
        {LINK + "FL_PROXIMAL_MU": text("1.0")},
        {
            LINK + "FL_SSL_CA_CERTFILE": f"O|text64|x||{CA}",
            LINK + "FL_SSL_CERTFILE": "M|text64|x",
            LINK + "FL_SSL_KEYFILE": "M|password|x",
        },
        {"user_inputs/PIN": "M|password|x"},
        {"1/template_contents/CONTEXT/SSH_PUBLIC_KEY": "$USER[SSH_PUBLIC_KEY]"},
        {SCRIPT: "pip install prometheus_client; jq '.nodes[] | select(.ready)'; cat /opt/flower/certs/ca.crt"},
        {"name": "Coordinators' dinner", "roles": []},
    ],
)
def test_still_good(changes: dict[str, Any]) -> None:
    assert broken(changed(changes)) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"NIC": UNKNOWN},
        {"NIC": [UNKNOWN]},
        {"NIC": [{"NETWORK_ID": UNKNOWN}]},
        {"NIC": {"NETWORK": "public"}},
        {"PCI": ABSENT, "OS": ABSENT, "TOPOLOGY": ABSENT},
        {"OS": UNKNOWN},
        {"PCI": UNKNOWN, "OS": ABSENT},
        {"OS": {"FIRMWARE": "/usr/share/OVMF/OVMF_CODE.fd", "MACHINE": "pc-q35-6.2"}},
    ],
)
def test_still_good_vm_templates(changes: dict[str, Any]) -> None:
    assert broken(changed(changes, GOOD_VM), Place.VM_TEMPLATE) == []


def test_every_rule_but_one_with_an_option_is_in_the_table() -> None:
    named = {rule for rule, _, _ in (*BAD, *OTHERS, *VM)}
    on_templates = {rule.id for rule in RULES if Place.STACK not in rule.places}
    assert on_templates - named == {"operator-certificates"}


@pytest.mark.parametrize(
    ("rule", "options", "count"),
    [
        ("operator-certificates", {"required": True}, 1),
        ("cooldown-of-two-rounds", {"roundSeconds": 600}, 1),
        ("cooldown-of-two-rounds", {"roundSeconds": 600.0}, 1),
        ("cooldown-of-two-rounds", {"roundSeconds": "600"}, 0),
        ("cooldown-leaves-room", {"largestSeconds": 300}, 1),
        ("period-is-seen", {"scanSeconds": 120}, 2),
        ("coordinator-alone", {"coordinatorName": "federation"}, 1),
    ],
)
def test_options_decide(rule: str, options: dict[str, Any], count: int) -> None:
    found = check(GOOD, options={rule: options})
    assert [violation.rule.id for violation in found] == [rule] * count


def test_an_attribute_of_ones_own_can_be_named() -> None:
    body = changed({"1/elasticity_policies/0/expression": "QUEUE > 3"})
    assert broken(body) == [("expressions-read-numbers", "roles[1].elasticity_policies[0].expression")]
    assert check(body, options={"expressions-read-numbers": {"attributes": "load, queue"}}) == []


def test_no_message_shows_a_secret() -> None:
    secret = "hunter2hunter2"
    changes = {
        "user_inputs/PIN": f"M|password|x||{secret}",
        "0/template_contents/CONTEXT/PASSWORD": secret,
        LINK + "FL_SSL_KEYFILE": f"M|text64|x||{secret}",
    }
    found = check(changed(changes))
    assert len({violation.path for violation in found}) == 3
    assert not any(secret in str(violation) for violation in found)
