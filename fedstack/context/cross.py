"""Rules between variables (reference 2.8): violations stop a boot, advice is only said."""

from collections.abc import Callable, Iterator, Mapping

from fedstack.context.variable import Appliance
from fedstack.context.violation import Violation

Values = Mapping[str, str]
"""Values in force, as `effective` returns them."""

USE_CASE_FRAMEWORKS: Mapping[str, tuple[str, ...]] = {
    "none": ("pytorch", "tensorflow", "sklearn"),
    "image-classification": ("pytorch", "tensorflow"),
    "anomaly-detection": ("sklearn",),
    "llm-fine-tuning": ("pytorch",),
}
"""Frameworks that each app bundle exists for (reference 14)."""

CLIENT_MINIMUM_KEEPALIVE = 30
"""Seconds below which a SuperLink answers pings with GOAWAY."""


def cross_violations(appliance: Appliance, values: Values) -> list[Violation]:
    """What no boot may go on with. Variables that are malformed in themselves are the caller's to leave out."""
    rules = _LINK_RULES if appliance == "superlink" else _NODE_RULES
    return [violation for rule in rules for violation in _tried(rule, values)]


def advice(appliance: Appliance, values: Values) -> list[Violation]:
    """What works, but hardly as meant; same form as violations."""
    rules = _LINK_ADVICE if appliance == "superlink" else _NODE_ADVICE
    return [violation for rule in rules for violation in _tried(rule, values)]


def byzantine_minimum(strategy: str, malicious: int) -> int:
    """Connected nodes that a robust strategy needs: Krum 2f+3, Bulyan 4f+3, others and f=0 none (10g)."""
    factor = {"Krum": 2, "Bulyan": 4}.get(strategy, 0)
    return factor * malicious + 3 if factor and malicious > 0 else 0


_Rule = Callable[[Values], Iterator[Violation]]


def _tried(rule: _Rule, values: Values) -> list[Violation]:
    """A rule's findings; none when a number it needs is malformed, which is reported by itself."""
    try:
        return list(rule(values))
    except ValueError:
        return []


def _robust_strategy(values: Values) -> Iterator[Violation]:
    strategy, malicious = values["FL_STRATEGY"], int(values["FL_NUM_MALICIOUS"])
    least = byzantine_minimum(strategy, malicious)
    available = values["FL_MIN_AVAILABLE_CLIENTS"]
    if int(available) < least:
        expected = f"at least {least} for {strategy} with FL_NUM_MALICIOUS={malicious}"
        involved = ("FL_MIN_AVAILABLE_CLIENTS", "FL_STRATEGY", "FL_NUM_MALICIOUS")
        yield Violation("FL_MIN_AVAILABLE_CLIENTS", available, expected, involved)


def _keepalive(values: Values) -> Iterator[Violation]:
    time, timeout = values["FL_GRPC_KEEPALIVE_TIME"], values["FL_GRPC_KEEPALIVE_TIMEOUT"]
    if int(timeout) >= int(time):
        involved = ("FL_GRPC_KEEPALIVE_TIMEOUT", "FL_GRPC_KEEPALIVE_TIME")
        yield Violation(involved[0], timeout, f"less than FL_GRPC_KEEPALIVE_TIME ({time})", involved)


def _own_certificates(values: Values) -> Iterator[Violation]:
    """With TLS on, an operator's CA needs certificate and key; without a CA the other two are ignored (5.2)."""
    if values["FL_TLS_ENABLED"] != "YES" or not values["FL_SSL_CA_CERTFILE"]:
        return
    for name in ("FL_SSL_CERTFILE", "FL_SSL_KEYFILE"):
        if not values[name]:
            yield Violation(name, "", "a value, because FL_SSL_CA_CERTFILE is set", (name, "FL_SSL_CA_CERTFILE"))


def _use_case(values: Values) -> Iterator[Violation]:
    case, framework = values["FL_USE_CASE"], values["ML_FRAMEWORK"]
    if framework not in USE_CASE_FRAMEWORKS.get(case, (framework,)):
        expected = f"a use case of {framework}: " + ", ".join(
            name for name, frameworks in USE_CASE_FRAMEWORKS.items() if framework in frameworks
        )
        yield Violation("FL_USE_CASE", case, expected, ("FL_USE_CASE", "ML_FRAMEWORK"))


def _fit_above_available(values: Values) -> Iterator[Violation]:
    fit, available = values["FL_MIN_FIT_CLIENTS"], values["FL_MIN_AVAILABLE_CLIENTS"]
    if int(fit) > int(available):
        expected = f"at most FL_MIN_AVAILABLE_CLIENTS ({available})"
        yield Violation("FL_MIN_FIT_CLIENTS", fit, expected, ("FL_MIN_FIT_CLIENTS", "FL_MIN_AVAILABLE_CLIENTS"))


def _no_proximal_term(values: Values) -> Iterator[Violation]:
    mu = values["FL_PROXIMAL_MU"]
    if values["FL_STRATEGY"] == "FedProx" and float(mu) == 0:
        yield Violation("FL_PROXIMAL_MU", mu, "more than 0, else FedProx equals FedAvg", ("FL_PROXIMAL_MU",))


def _host_path(values: Values) -> Iterator[Violation]:
    path = values["FL_CHECKPOINT_PATH"]
    if path.startswith("/opt/flower"):
        yield Violation("FL_CHECKPOINT_PATH", path, "a path as Flower sees it, such as /app/checkpoints", ())


def _short_pings(values: Values) -> Iterator[Violation]:
    time = values["FL_GRPC_KEEPALIVE_TIME"]
    if int(time) < 10:
        yield Violation("FL_GRPC_KEEPALIVE_TIME", time, "at least 10 seconds", ("FL_GRPC_KEEPALIVE_TIME",))


def _pings_below_minimum(values: Values) -> Iterator[Violation]:
    time = values["FL_GRPC_KEEPALIVE_TIME"]
    if int(time) < CLIENT_MINIMUM_KEEPALIVE:
        expected = f"at least {CLIENT_MINIMUM_KEEPALIVE} seconds on a SuperNode"
        yield Violation("FL_GRPC_KEEPALIVE_TIME", time, expected, ("FL_GRPC_KEEPALIVE_TIME",))


def _metrics_without_gpu(values: Values) -> Iterator[Violation]:
    if values["FL_DCGM_ENABLED"] == "YES" and values["FL_GPU_ENABLED"] != "YES":
        yield Violation("FL_DCGM_ENABLED", "YES", "NO while FL_GPU_ENABLED is not YES", ("FL_DCGM_ENABLED",))


def _gpu_without_framework(values: Values) -> Iterator[Violation]:
    if values["FL_GPU_ENABLED"] == "YES" and values["ML_FRAMEWORK"] == "sklearn":
        yield Violation("FL_GPU_ENABLED", "YES", "NO: sklearn uses no GPU", ("FL_GPU_ENABLED", "ML_FRAMEWORK"))


_LINK_RULES: tuple[_Rule, ...] = (_robust_strategy, _keepalive, _own_certificates)
_NODE_RULES: tuple[_Rule, ...] = (_keepalive, _use_case)
_LINK_ADVICE: tuple[_Rule, ...] = (_fit_above_available, _no_proximal_term, _host_path, _short_pings)
_NODE_ADVICE: tuple[_Rule, ...] = (_pings_below_minimum, _metrics_without_gpu, _gpu_without_framework)
