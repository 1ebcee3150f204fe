"""What is derived from the table: values in force, validation, inputs, run config."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedstack.context import (
    NAMES,
    VARIABLES,
    Appliance,
    Variable,
    advice,
    effective,
    named,
    run_config,
    user_input,
    validate,
    without_effect,
)
from fedstack.context.cross import byzantine_minimum

CERTIFICATE = base64.b64encode(b"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n").decode()
KEY = base64.b64encode(b"-----BEGIN EC PRIVATE KEY-----\nx\n-----END EC PRIVATE KEY-----\n").decode()

GOOD_AND_BAD = {
    "FLOWER_VERSION": ("1.31.0", "1.31"),
    "FL_NUM_ROUNDS": ("10", "0"),
    "FL_STRATEGY": ("Bulyan", "fedavg"),
    "FL_MIN_FIT_CLIENTS": ("1", "-1"),
    "FL_MIN_EVALUATE_CLIENTS": ("1", "1.5"),
    "FL_MIN_AVAILABLE_CLIENTS": ("5", "two"),
    "FL_FLEET_API_ADDRESS": ("10.0.0.1:9092", "10.0.0.1"),
    "FL_CONTROL_API_ADDRESS": ("localhost:65535", "localhost:65536"),
    "FL_ISOLATION": ("process", "thread"),
    "FL_DATABASE": ("state/other.db", "/opt/flower/state/state.db"),
    "FL_LOG_LEVEL": ("DEBUG", "info"),
    "FL_PROXIMAL_MU": ("0", "-1"),
    "FL_SERVER_LR": (".5", "0"),
    "FL_CLIENT_LR": ("1", "1e-3"),
    "FL_NUM_MALICIOUS": ("0", "-1"),
    "FL_TRIM_BETA": ("0.49", "0.5"),
    "FL_CHECKPOINT_ENABLED": ("YES", "yes"),
    "FL_CHECKPOINT_INTERVAL": ("1", "0"),
    "FL_CHECKPOINT_PATH": ("/app/models", "/app/../etc"),
    "FL_GRPC_KEEPALIVE_TIME": ("30", "0"),
    "FL_GRPC_KEEPALIVE_TIMEOUT": ("5", "0"),
    "FL_CERT_EXTRA_SAN": ("IP:10.0.0.1,DNS:fl.example.org", "10.0.0.1"),
    "FL_METRICS_ENABLED": ("YES", "true"),
    "FL_METRICS_PORT": ("9101", "9092"),
    "FL_SUPERLINK_ADDRESS": ("10.0.0.1:9092", "10.0.0.1:0"),
    "FL_NODE_CONFIG": ("partition-id=0 num_partitions=2", "partition-id"),
    "FL_MAX_RETRIES": ("0", "x"),
    "FL_MAX_WAIT_TIME": ("60", "1m"),
    "FL_GPU_ENABLED": ("yes", "on"),
    "FL_CUDA_VISIBLE_DEVICES": ("0,1", "0;1"),
    "FL_GPU_MEMORY_FRACTION": ("1.0", "1.1"),
    "FL_DCGM_ENABLED": ("NO", "no"),
    "FL_EDGE_BACKOFF": ("fixed", "linear"),
    "FL_EDGE_MAX_BACKOFF": ("60", "0"),
    "TOKEN": ("YES", "NO"),
    "NETWORK": ("YES", "NO"),
    "REPORT_READY": ("YES", "NO"),
    "READY_SCRIPT_PATH": ("/opt/flower/scripts/health-check.sh", "/bin/true"),
    "SSH_PUBLIC_KEY": ("ssh-ed25519 AAAA me", None),
    "FL_LOG_FORMAT": ("json", "xml"),
    "FL_TLS_ENABLED": ("no", "maybe"),
    "FL_SSL_CA_CERTFILE": (CERTIFICATE, "bm8gY2VydGlmaWNhdGU="),
    "FL_SSL_CERTFILE": (CERTIFICATE, "?"),
    "FL_SSL_KEYFILE": (KEY, CERTIFICATE),
    "FL_SUPERNODE_AUTH": ("no", "maybe"),
    "FL_ONEGATE_CA": (CERTIFICATE, KEY),
    "ML_FRAMEWORK": ("pytorch", "jax"),
    "FL_USE_CASE": ("anomaly-detection", "chess"),
    "START_SCRIPT_BASE64": ("IyEvYmluL3NoCg==", None),
}


def test_every_name_has_an_example() -> None:
    assert set(GOOD_AND_BAD) == set(NAMES)


@pytest.mark.parametrize("row", VARIABLES, ids=lambda row: row.number)
def test_good_and_bad_values(row: Variable) -> None:
    good, bad = GOOD_AND_BAD[row.name]
    for appliance in row.appliances:
        complaints = validate(appliance, {row.name: good}, material=True)
        assert [each for each in complaints if each.variable == row.name and row.name != "FL_SSL_CA_CERTFILE"] == []
        if bad is not None:
            found = [each for each in validate(appliance, {row.name: bad}, material=True) if each.variable == row.name]
            assert [each.expected for each in found] == [row.form.expected]
            assert row.secret or found[0].value == bad
            assert row.name in str(found[0]) and row.form.expected in str(found[0])


@pytest.mark.parametrize("row", VARIABLES, ids=lambda row: row.number)
@pytest.mark.parametrize("empty", ["", "  "])
def test_empty_means_unset(row: Variable, empty: str) -> None:
    for appliance in row.appliances:
        assert validate(appliance, {row.name: empty}, material=True) == []
        assert effective(appliance, {row.name: empty})[row.name] == row.default


def test_secrets_are_never_shown() -> None:
    found = validate("superlink", {"FL_SSL_KEYFILE": "hush"}, material=True)
    assert len(found) == 1 and "hush" not in str(found)


def test_material_is_left_to_the_boot_step() -> None:
    values = {"FL_SSL_CA_CERTFILE": "x", "FL_SSL_CERTFILE": "x", "FL_SSL_KEYFILE": "x"}
    assert validate("superlink", values) == []
    assert len(validate("superlink", values, material=True)) == 3


def test_all_errors_together() -> None:
    found = validate("superlink", {"FL_NUM_ROUNDS": "0", "FL_STRATEGY": "x", "FL_GRPC_KEEPALIVE_TIME": "20"})
    assert [each.variable for each in found] == ["FL_NUM_ROUNDS", "FL_STRATEGY", "FL_GRPC_KEEPALIVE_TIMEOUT"]


@pytest.mark.parametrize(
    ("strategy", "malicious", "available", "good"),
    [
        ("Krum", 1, 5, True),
        ("Krum", 1, 4, False),
        ("Krum", 0, 2, True),
        ("Bulyan", 1, 7, True),
        ("Bulyan", 2, 10, False),
        ("FedAvg", 5, 2, True),
    ],
)
def test_robust_strategies_need_enough_nodes(strategy: str, malicious: int, available: int, good: bool) -> None:
    values = {
        "FL_STRATEGY": strategy,
        "FL_NUM_MALICIOUS": str(malicious),
        "FL_MIN_AVAILABLE_CLIENTS": str(available),
    }
    found = validate("superlink", values)
    assert (found == []) is good
    assert good or str(byzantine_minimum(strategy, malicious)) in found[0].expected


def test_own_certificates_are_all_or_none() -> None:
    found = validate("superlink", {"FL_SSL_CA_CERTFILE": CERTIFICATE})
    assert [each.variable for each in found] == ["FL_SSL_CERTFILE", "FL_SSL_KEYFILE"]
    assert validate("superlink", {"FL_SSL_CA_CERTFILE": CERTIFICATE, "FL_TLS_ENABLED": "no"}) == []
    assert validate("superlink", {"FL_SSL_CERTFILE": CERTIFICATE}) == []
    assert validate("supernode", {"FL_SSL_CA_CERTFILE": CERTIFICATE}) == []


@pytest.mark.parametrize(
    ("case", "frameworks"),
    [
        ("none", {"pytorch", "tensorflow", "sklearn"}),
        ("image-classification", {"pytorch", "tensorflow"}),
        ("anomaly-detection", {"sklearn"}),
        ("llm-fine-tuning", {"pytorch"}),
    ],
)
@pytest.mark.parametrize("framework", ["pytorch", "tensorflow", "sklearn"])
def test_use_cases_need_their_framework(case: str, frameworks: set[str], framework: str) -> None:
    found = validate("supernode", {"FL_USE_CASE": case, "ML_FRAMEWORK": framework})
    assert (found == []) is (framework in frameworks)


@pytest.mark.parametrize(
    ("appliance", "values", "variable"),
    [
        ("superlink", {"FL_MIN_FIT_CLIENTS": "3"}, "FL_MIN_FIT_CLIENTS"),
        ("superlink", {"FL_STRATEGY": "FedProx", "FL_PROXIMAL_MU": "0.0"}, "FL_PROXIMAL_MU"),
        ("superlink", {"FL_CHECKPOINT_PATH": "/opt/flower/checkpoints"}, "FL_CHECKPOINT_PATH"),
        ("superlink", {"FL_GRPC_KEEPALIVE_TIME": "9"}, "FL_GRPC_KEEPALIVE_TIME"),
        ("supernode", {"FL_GRPC_KEEPALIVE_TIME": "29"}, "FL_GRPC_KEEPALIVE_TIME"),
        ("supernode", {"FL_DCGM_ENABLED": "YES"}, "FL_DCGM_ENABLED"),
        ("supernode", {"FL_GPU_ENABLED": "YES"}, "FL_GPU_ENABLED"),
    ],
)
def test_advice(appliance: Appliance, values: dict[str, str], variable: str) -> None:
    assert [each.variable for each in advice(appliance, effective(appliance, values))] == [variable]
    assert advice(appliance, effective(appliance, {})) == []


@pytest.mark.parametrize(
    ("appliance", "values", "note"),
    [
        ("superlink", {"FL_TRIM_BETA": "0.3"}, "FL_TRIM_BETA has no effect while FL_STRATEGY is not FedTrimmedAvg"),
        (
            "superlink",
            {"FL_NUM_MALICIOUS": "1", "FL_STRATEGY": "FedAdam"},
            "FL_NUM_MALICIOUS has no effect while FL_STRATEGY is not Krum or Bulyan",
        ),
        (
            "superlink",
            {"FL_CHECKPOINT_INTERVAL": "2"},
            "FL_CHECKPOINT_INTERVAL has no effect while FL_CHECKPOINT_ENABLED is not YES",
        ),
        ("superlink", {"FL_METRICS_PORT": "9200"}, "FL_METRICS_PORT has no effect while FL_METRICS_ENABLED is not YES"),
        (
            "superlink",
            {"FL_CERT_EXTRA_SAN": "DNS:x", "FL_TLS_ENABLED": "no"},
            "FL_CERT_EXTRA_SAN has no effect while FL_TLS_ENABLED is not YES",
        ),
        (
            "superlink",
            {"FL_CERT_EXTRA_SAN": "DNS:x", "FL_SSL_CA_CERTFILE": CERTIFICATE},
            "FL_CERT_EXTRA_SAN has no effect with certificates of the operator",
        ),
        ("superlink", {"FL_SSL_KEYFILE": KEY}, "FL_SSL_KEYFILE has no effect without FL_SSL_CA_CERTFILE"),
        (
            "supernode",
            {"FL_CUDA_VISIBLE_DEVICES": "0"},
            "FL_CUDA_VISIBLE_DEVICES has no effect while FL_GPU_ENABLED is not YES",
        ),
        (
            "supernode",
            {"FL_EDGE_MAX_BACKOFF": "60", "FL_EDGE_BACKOFF": "fixed"},
            "FL_EDGE_MAX_BACKOFF has no effect while FL_EDGE_BACKOFF is not exponential",
        ),
    ],
)
def test_what_has_no_effect_is_named(appliance: Appliance, values: dict[str, str], note: str) -> None:
    assert without_effect(appliance, effective(appliance, values)) == [note]


def test_defaults_have_their_effect_and_what_counts_is_not_named() -> None:
    for appliance in ("superlink", "supernode"):
        assert without_effect(appliance, effective(appliance, {})) == []
    values = {"FL_STRATEGY": "Krum", "FL_NUM_MALICIOUS": "1", "FL_MIN_AVAILABLE_CLIENTS": "5"}
    assert without_effect("superlink", effective("superlink", values)) == []


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("FL_NUM_ROUNDS", None, "O|number|Training rounds||3"),
        ("FL_NUM_ROUNDS", "5", "O|number|Training rounds||5"),
        ("FL_LOG_FORMAT", None, "O|list|Log format|text,json|text"),
        ("FL_EDGE_BACKOFF", None, "O|list|Waits of the discovery loop on an edge image|exponential,fixed|exponential"),
        ("FL_SSL_KEYFILE", "c2VjcmV0", "O|text64|Base64 of the SuperLink's private key"),
        ("FL_NODE_CONFIG", "a=x|y", "O|text|" + named("FL_NODE_CONFIG")[0].description),
    ],
)
def test_user_inputs(name: str, value: str | None, text: str) -> None:
    assert user_input(named(name)[0], value) == text


def test_mandatory_user_input() -> None:
    assert user_input(named("FL_SUPERLINK_ADDRESS")[0], mandatory=True).startswith("M|text|")


BASE = {
    "num-server-rounds": "3",
    "min-fit-clients": "2",
    "min-evaluate-clients": "2",
    "min-available-clients": "2",
}


@pytest.mark.parametrize(
    ("strategy", "keys"),
    [
        ("FedAvg", {}),
        ("FedProx", {"proximal-mu": "1.0"}),
        ("FedAdam", {"server-lr": "0.1", "client-lr": "0.1"}),
        ("Krum", {"num-malicious": "0"}),
        ("Bulyan", {"num-malicious": "0"}),
        ("FedTrimmedAvg", {"trim-beta": "0.2"}),
    ],
)
def test_run_config_has_the_keys_of_the_strategy_only(strategy: str, keys: dict[str, str]) -> None:
    assert run_config({"FL_STRATEGY": strategy}) == {"strategy": strategy, **BASE, **keys}


def test_run_config_with_checkpoints_and_metrics() -> None:
    config = run_config({"FL_CHECKPOINT_ENABLED": "YES", "FL_METRICS_ENABLED": "YES", "FL_CHECKPOINT_INTERVAL": "2"})
    assert config == {
        "strategy": "FedAvg",
        **BASE,
        "checkpoint-enabled": "true",
        "checkpoint-interval": "2",
        "checkpoint-path": "/app/checkpoints",
        "metrics-enabled": "true",
        "metrics-port": "9101",
    }


@given(st.dictionaries(st.sampled_from([*NAMES, "HOME"]), st.text(max_size=12)))
def test_validation_never_raises_and_what_passes_stays_good(values: dict[str, str]) -> None:
    for appliance in ("superlink", "supernode"):
        found = validate(appliance, values, material=True)
        in_force = effective(appliance, values)
        if not found:
            assert validate(appliance, in_force, material=True) == []
            advice(appliance, in_force)
            run_config(values)
