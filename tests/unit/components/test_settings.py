"""The stack configuration: defaults, typed keys, and one message for everything that is wrong."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components import checks, variables
from components.choices import Strategy
from components.errors import SettingsError
from components.settings import Checkpoint, Settings, SuperNodes, Training, read_settings

CERTIFICATE = base64.b64encode(b"-----BEGIN CERTIFICATE-----\n").decode()


def complaints(raw: Any) -> list[str]:
    with pytest.raises(SettingsError) as error:
        read_settings(raw)
    assert str(error.value).startswith("fedstack:federation has ")
    return error.value.problems


def test_defaults() -> None:
    settings = read_settings(None)
    assert settings == Settings()
    assert (settings.supernodes.count, settings.supernodes.min, settings.supernodes.max) == (2, 2, 10)
    assert variables.values(settings) == {}
    assert variables.in_force(settings)["superlink"]["FL_TLS_ENABLED"] == "YES"


def test_values_reach_the_variables() -> None:
    settings = read_settings(
        {
            "flowerVersion": "1.31.0",
            "training": {"rounds": 5, "strategy": "FedProx", "proximalMu": 0.1},
            "tls": {"enabled": False, "extraSan": ["IP:10.0.0.1", "DNS:fl.example.org"]},
            "supernodes": {"nodeConfig": {"partition-id": 0, "num-partitions": 2}},
            "checkpoint": {"enabled": True},
            "variables": {"FL_DATABASE": "state/other.db"},
        }
    )
    assert variables.values(settings) == {
        "FLOWER_VERSION": "1.31.0",
        "FL_NUM_ROUNDS": "5",
        "FL_STRATEGY": "FedProx",
        "FL_PROXIMAL_MU": "0.1",
        "FL_TLS_ENABLED": "NO",
        "FL_CERT_EXTRA_SAN": "IP:10.0.0.1,DNS:fl.example.org",
        "FL_NODE_CONFIG": "partition-id=0 num-partitions=2",
        "FL_CHECKPOINT_ENABLED": "YES",
        "FL_DATABASE": "state/other.db",
    }


def test_numbers_as_the_command_line_writes_them() -> None:
    assert read_settings({"supernodes": {"count": "3"}}).supernodes.count == 3
    assert read_settings({"supernodes": {"count": 3.0}}).supernodes.count == 3


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"supernodes": {"cout": 3}}, "supernodes.cout: unknown key (value 3); did you mean supernodes.count?"),
        ({"supernode": {}}, "supernode: unknown key (value {}); did you mean supernodes?"),
        ({"rounds": 4}, "rounds: unknown key (value 4); did you mean training.rounds?"),
        ({"logging": {"zzz": 1}}, "logging.zzz: unknown key (value 1); valid keys: format, level"),
        ({"supernodes": {"count": "many"}}, 'supernodes.count: expected an integer, got "many"'),
        ({"supernodes": {"count": True}}, "supernodes.count: expected an integer, got True"),
        ({"supernodes": {"count": -1}}, "supernodes.count: expected at least 0, got -1"),
        ({"superlink": {"cpu": 0}}, "superlink.cpu: expected more than 0, got 0"),
        ({"superlink": {"cpu": "big"}}, 'superlink.cpu: expected a number, got "big"'),
        (
            {"network": {"id": 3, "name": "lab"}},
            'network.name: expected no name beside network.id (3), got "lab"',
        ),
        ({"network": {"name": ""}}, 'network.name: expected the name of an existing network, got ""'),
        ({"image": "x"}, 'image: expected an object, got "x"'),
        (
            {"name": "a/b"},
            'name: expected letters, digits, blanks and _ . - (at most 64, a letter or digit first), got "a/b"',
        ),
        ({"training": {"rounds": 0}}, "training.rounds: expected an integer of at least 1, got 0"),
        (
            {"training": {"strategy": "X"}},
            'training.strategy: expected one of FedAvg, FedProx, FedAdam, Krum, Bulyan, FedTrimmedAvg, got "X"',
        ),
        ({"training": {"strategy": {"a": [1]}}}, "training.strategy: expected a text or a number, got {'a': [1]}"),
        ({"supernodes": {"count": 11}}, "supernodes.count: must be at most max (10), got 11"),
        ({"supernodes": {"count": 1}}, "supernodes.count: must be at least min (2), got 1"),
        (
            {"training": {"strategy": "Krum", "numMalicious": 1}},
            'training.minAvailableClients: expected at least 5 for Krum with FL_NUM_MALICIOUS=1, got "2"',
        ),
        ({"keepalive": {"time": 10}}, 'keepalive.timeout: expected less than FL_GRPC_KEEPALIVE_TIME (10), got "20"'),
        ({"tls": {"privateKey": "hush"}}, "tls.privateKey: expected base64 of a PEM private key, got a secret value"),
        (
            {"variables": {"FL_NUM_ROUND": 2}},
            "variables.FL_NUM_ROUND: unknown variable (value 2); did you mean FL_NUM_ROUNDS?",
        ),
        ({"variables": {"TOKEN": "NO"}}, "variables.TOKEN: set by the appliance itself, expected no value here"),
        (
            {"training": {"rounds": 3}, "variables": {"FL_NUM_ROUNDS": 3}},
            "variables.FL_NUM_ROUNDS: already set by training.rounds",
        ),
        (
            {"variables": {"FL_METRICS_PORT": 80}},
            "variables.FL_METRICS_PORT: expected an integer of at least 1024 and at most 65535, "
            'other than 9091, 9092, 9093, got "80"',
        ),
        ([1], "expected an object, got [1]"),
    ],
)
def test_one_line_says_place_value_and_expected_form(raw: Any, expected: str) -> None:
    assert complaints(raw) == [expected]


@pytest.mark.parametrize(
    "raw",
    [{"variables": {"FL_SUPERLINK_ADDRESS": "10.0.0.1:9092"}}, {"supernodes": {"superlinkAddress": "10.0.0.1:9092"}}],
)
def test_discovery_is_not_to_be_bypassed(raw: dict[str, Any]) -> None:
    (line,) = complaints(raw)
    assert "OneGate" in line


def test_own_certificates_come_together() -> None:
    found = complaints({"tls": {"caCertificate": CERTIFICATE}})
    assert [line.split(":")[0] for line in found] == ["tls.certificate", "tls.privateKey"]


@pytest.mark.parametrize(
    ("policy", "place"),
    [
        ({"type": "CHANGE", "adjust": 1, "expression": "CPU >"}, "supernodes.elasticityPolicies[0].expression"),
        ({"type": "X", "adjust": 1, "expression": "CPU > 1"}, "supernodes.elasticityPolicies[0].type"),
        (
            {"type": "CHANGE", "adjust": 1, "expression": "CPU > 1", "cooldwn": 1},
            "supernodes.elasticityPolicies[0].cooldwn",
        ),
    ],
)
def test_policies_are_judged_as_the_platform_would(policy: dict[str, Any], place: str) -> None:
    (line,) = complaints({"supernodes": {"elasticityPolicies": [policy]}})
    assert line.startswith(f"{place}: ")


def test_all_problems_at_once() -> None:
    found = complaints({"training": {"rounds": 0, "round": 1}, "supernodes": {"count": "x"}, "zzz": 1})
    assert [line.split(":")[0] for line in found] == ["supernodes.count", "training.rounds", "training.round", "zzz"]


def test_boot_values_are_shown_unless_they_are_long() -> None:
    key = base64.b64encode(b"-----BEGIN PRIVATE KEY-----\n").decode()
    long = base64.b64encode(b"-----BEGIN CERTIFICATE-----\n" + b"A" * 64).decode()
    tls = {"caCertificate": CERTIFICATE, "certificate": CERTIFICATE, "privateKey": key, "onegateCa": long}
    shown = variables.boot_values(read_settings({"tls": tls, "logging": {"level": "DEBUG"}}))
    assert shown["logging.level"] == "DEBUG"
    assert len(shown["tls.onegateCa"]) == 16 and shown["tls.onegateCa"] not in long
    assert "tls.extraSan" not in shown, "the guest decides"
    assert not {"tls.caCertificate", "tls.certificate", "tls.privateKey"} & {*shown}, "for `fedstack rotate-certs`"
    assert not [path for path in shown if path.startswith("training.")]


@pytest.mark.parametrize(
    ("raw", "remark"),
    [
        (
            {"training": {"minFitClients": 3}},
            'training.minFitClients: expected at most FL_MIN_AVAILABLE_CLIENTS (2), got "3"',
        ),
        ({"flowerVersion": "1.31.0"}, 'flowerVersion: expected 1.36.0, which the image holds, got "1.31.0"'),
        (
            {"supernodes": {"framework": "pytorch"}},
            'supernodes.framework: expected sklearn, which the image holds, got "pytorch"',
        ),
        (
            {"checkpoint": {"interval": 2}},
            "checkpoint.interval: FL_CHECKPOINT_INTERVAL has no effect while FL_CHECKPOINT_ENABLED is not YES",
        ),
        ({"edge": {"backoff": "fixed"}}, "edge.backoff: expected an edge image (edge.enabled), else it has no effect"),
    ],
)
def test_remarks_name_the_key(raw: dict[str, Any], remark: str) -> None:
    assert checks.remarks(read_settings(raw)) == [remark]


def test_the_defaults_are_without_remark() -> None:
    assert checks.remarks(read_settings({})) == []


def test_python_programs_use_the_fields_names_and_types() -> None:
    settings = Settings(
        training=Training(rounds=5, strategy=Strategy.KRUM, server_lr=0.00001),
        supernodes=SuperNodes(node_config={"partition-id": 0}, max_retries=3),
        checkpoint=Checkpoint(enabled=True),
    )
    assert settings == read_settings(
        {
            "training": {"rounds": "5", "strategy": "Krum", "serverLr": "0.00001"},
            "supernodes": {"nodeConfig": "partition-id=0", "maxRetries": 3.0},
            "checkpoint": {"enabled": "YES"},
        }
    )
    assert variables.values(settings)["FL_SERVER_LR"] == "0.00001"
    assert (settings.training.rounds, settings.checkpoint.enabled) == (5, True)


def test_keys_in_a_configuration_are_camel_case() -> None:
    assert complaints({"supernodes": {"node_config": "a=b"}}) == [
        'supernodes.node_config: unknown key (value "a=b"); did you mean supernodes.nodeConfig?'
    ]


def test_certificates_may_be_given_as_pem() -> None:
    settings = read_settings(
        {
            "tls": {
                "caCertificate": "-----BEGIN CERTIFICATE-----\n",
                "certificate": "-----BEGIN CERTIFICATE-----\n",
                "privateKey": "-----BEGIN PRIVATE KEY-----\n",
            }
        }
    )
    assert variables.values(settings)["FL_SSL_CA_CERTFILE"] == CERTIFICATE


RAW = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 20) | st.floats(-1, 9) | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "supernodes",
                    "training",
                    "tls",
                    "count",
                    "min",
                    "elasticityPolicies",
                    "variables",
                    "FL_NUM_ROUNDS",
                    "x",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@given(RAW)
def test_any_configuration_is_read_or_refused_with_a_message(raw: Any) -> None:
    try:
        read_settings(raw)
    except SettingsError as error:
        assert error.problems and all(problem.strip() for problem in error.problems)
