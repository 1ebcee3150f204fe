"""Rules about values of variables: each by its form, and those between variables (reference 2.8)."""

from collections.abc import Callable, Iterator

from fedstack.context import Appliance, Level, Violation, advice, holds, variables
from fedstack.context.cross import cross_violations
from fedstack.rules.rule import Finding, Rule, RuleLevel
from fedstack.rules.settings import Settings, every
from fedstack.rules.template import Template

_Check = Callable[[Appliance, dict[str, str]], list[Violation]]
_PAIR = ("FL_SSL_CERTFILE", "FL_SSL_KEYFILE")


def _malformed(template: Template) -> Iterator[Finding]:
    for found in every(template):
        for row in variables(found.appliance):
            setting = found.given.get(row.name)
            if setting is None or not setting.known or row.level is Level.CONTEXT:
                continue
            if row.form.accepts(setting.value):
                continue
            shown = "a secret value" if row.secret or row.form.material else repr(setting.value[:80])
            yield Finding(setting.path, f"is {shown} for role {found.role.name}, expected {row.form.expected}")


def between(check: _Check, variable: str, *rests_on: str) -> Callable[[Template], Iterator[Finding]]:
    """A rule of the registry, known by the variable that it reports; `rests_on` are the others that it reads."""

    def find(template: Template) -> Iterator[Finding]:
        for found in every(template):
            if not found.judgeable((variable, *rests_on)):
                continue
            for violation in check(found.appliance, found.effective()):
                if violation.variable == variable:
                    yield _finding(found, violation, (variable, *rests_on))

    return find


def _finding(found: Settings, violation: Violation, names: tuple[str, ...]) -> Finding:
    """At the variable, or at the first of the others that the template sets."""
    if violation.variable in found.given:
        return Finding(found.path(violation.variable), f"is {violation.value!r}, expected {violation.expected}")
    path = next((found.path(name) for name in names if name in found.given), found.role.path)
    return Finding(path, f"does not fit: {violation}")


def _own_certificates(template: Template) -> Iterator[Finding]:
    """An input without a default may be filled in when the service is made."""
    for found in every(template):
        for violation in cross_violations(found.appliance, found.effective()):
            lacking = violation.variable in _PAIR and violation.variable not in found.given
            if lacking and found.judgeable(("FL_TLS_ENABLED",)):
                yield Finding(found.path("FL_SSL_CA_CERTFILE"), f"is set without {violation.variable}")


def _without_effect(template: Template) -> Iterator[Finding]:
    """Values other than the defaults whose condition does not hold; GPU metrics have a rule of their own."""
    for found in every(template):
        values = found.effective()
        for row in variables(found.appliance):
            setting, condition = found.given.get(row.name), row.active_if
            if condition is None or setting is None or not setting.known or row.name == "FL_DCGM_ENABLED":
                continue
            changed = setting.value not in (row.default, row.reference_default)
            if changed and not holds(condition, values) and found.judgeable((condition.variable,)):
                wanted = " or ".join(condition.values)
                yield Finding(setting.path, f"has no effect while {condition.variable} is not {wanted}")


def _generated_names(template: Template) -> Iterator[Finding]:
    for found in every(template):
        values = found.known()
        if values.get("FL_CERT_EXTRA_SAN") and values.get("FL_SSL_CA_CERTFILE"):
            yield Finding(found.path("FL_CERT_EXTRA_SAN"), "has no effect with certificates of the operator")


def _fixed_partition(template: Template) -> Iterator[Finding]:
    for found in every(template):
        single = found.role.count("cardinality") == 1 and found.role.count("max_vms") in (None, 1)
        if "partition-id" in found.known().get("FL_NODE_CONFIG", "") and not single:
            yield Finding(
                found.path("FL_NODE_CONFIG"), f"gives every VM of role {found.role.name} the same partition-id"
            )


def _checkpoints(template: Template) -> Iterator[Finding]:
    for found in every(template):
        for name, setting in found.given.items():
            own = found.role.path == setting.path.partition(".")[0]
            if name.startswith("FL_CHECKPOINT_") and found.appliance == "supernode" and own:
                yield Finding(setting.path, f"of role {found.role.name} must be absent")


VALUES = Rule(
    id="variable-values",
    title="Variables have values of their form",
    why="The boot stops with FL_ERROR=config_validation_failed: the VM never reports ready, the service hangs.",
    fix="write a value of the expected form, see the table of context variables.",
    level=RuleLevel.MANDATORY,
    source="reference 2.3 to 2.5, 2.7, 2.8 (10e)",
    find=_malformed,
)

ROBUST_STRATEGY = Rule(
    id="robust-strategy-size",
    title="Krum and Bulyan have the nodes that they need",
    why="Below 2f+3 (Krum) or 4f+3 (Bulyan) nodes the strategy withstands nothing, and the boot is refused.",
    fix="raise FL_MIN_AVAILABLE_CLIENTS, or lower FL_NUM_MALICIOUS.",
    level=RuleLevel.MANDATORY,
    source="reference 2.8, 10g",
    find=between(cross_violations, "FL_MIN_AVAILABLE_CLIENTS", "FL_STRATEGY", "FL_NUM_MALICIOUS"),
)

KEEPALIVE_TIMEOUT = Rule(
    id="keepalive-timeout",
    title="The answer to a ping is due before the next one",
    why="With a timeout of the interval or more the boot is refused: dead connections would never be noticed.",
    fix="choose FL_GRPC_KEEPALIVE_TIMEOUT below FL_GRPC_KEEPALIVE_TIME.",
    level=RuleLevel.MANDATORY,
    source="reference 2.8, 10j",
    find=between(cross_violations, "FL_GRPC_KEEPALIVE_TIMEOUT", "FL_GRPC_KEEPALIVE_TIME"),
)

OWN_CERTIFICATES = Rule(
    id="certificates-complete",
    title="CA, certificate and key come together",
    why="With the operator's CA and without certificate or key the SuperLink refuses to boot.",
    fix="declare all of FL_SSL_CA_CERTFILE, FL_SSL_CERTFILE and FL_SSL_KEYFILE, or none.",
    level=RuleLevel.MANDATORY,
    source="reference 2.8, TLS triple",
    find=_own_certificates,
)

USE_CASE = Rule(
    id="use-case-fits-framework",
    title="The app bundle exists for the framework",
    why="An image has only the bundles of its framework; with another one the SuperNode refuses to boot.",
    fix="choose another FL_USE_CASE or ML_FRAMEWORK.",
    level=RuleLevel.MANDATORY,
    source="reference 2.8, V48 and X1",
    find=between(cross_violations, "FL_USE_CASE", "ML_FRAMEWORK"),
)

FIT_WITHIN_AVAILABLE = Rule(
    id="fit-clients-within-available",
    title="A round waits for the nodes that it needs",
    why="A round may start with fewer nodes than must train in it, and fails.",
    fix="choose FL_MIN_FIT_CLIENTS of at most FL_MIN_AVAILABLE_CLIENTS.",
    level=RuleLevel.ADVISORY,
    source="reference 2.8, 10b",
    find=between(advice, "FL_MIN_FIT_CLIENTS", "FL_MIN_AVAILABLE_CLIENTS"),
)

PROXIMAL_TERM = Rule(
    id="fedprox-has-a-term",
    title="FedProx has a proximal term",
    why="With FL_PROXIMAL_MU 0 it is FedAvg under another name.",
    fix="choose FL_PROXIMAL_MU above 0, or FedAvg.",
    level=RuleLevel.ADVISORY,
    source="reference 2.8, 10g",
    find=between(advice, "FL_PROXIMAL_MU", "FL_STRATEGY"),
)

CHECKPOINT_PATH = Rule(
    id="checkpoint-path",
    title="Checkpoints go where Flower sees them",
    why="A path of the host is another place inside the container: checkpoints are lost with it.",
    fix="choose a path such as /app/checkpoints.",
    level=RuleLevel.ADVISORY,
    antipatterns=("TRAIN-AP4",),
    source="reference 2.8, 10h",
    find=between(advice, "FL_CHECKPOINT_PATH"),
)

CHECKPOINTS_ON_SUPERLINK = Rule(
    id="checkpoints-on-superlink",
    title="Only the SuperLink saves checkpoints",
    why="Only it holds the global model; on a SuperNode the variable does nothing.",
    fix="declare FL_CHECKPOINT_* for the role superlink.",
    level=RuleLevel.ADVISORY,
    antipatterns=("TRAIN-AP3",),
    find=_checkpoints,
)

GPU_METRICS = Rule(
    id="gpu-metrics-need-gpu",
    title="GPU metrics need a GPU",
    why="Without FL_GPU_ENABLED=YES the exporter never starts.",
    fix="set FL_GPU_ENABLED to YES, or FL_DCGM_ENABLED to NO.",
    level=RuleLevel.ADVISORY,
    antipatterns=("MON-AP6",),
    source="reference 2.8, 10m",
    find=between(advice, "FL_DCGM_ENABLED", "FL_GPU_ENABLED"),
)

GPU_FRAMEWORK = Rule(
    id="gpu-fits-framework",
    title="The framework can use the GPU",
    why="scikit-learn computes on the CPU whatever the VM has: the GPU is reserved for nothing.",
    fix="set FL_GPU_ENABLED to NO, or choose another ML_FRAMEWORK.",
    level=RuleLevel.ADVISORY,
    source="reference 2.8, 10i",
    find=between(advice, "FL_GPU_ENABLED", "ML_FRAMEWORK"),
)

WITHOUT_EFFECT = Rule(
    id="variables-with-effect",
    title="What is set has an effect",
    why="The value counts only under a condition that does not hold: the federation runs other than it reads.",
    fix="set what it depends on, or take it out.",
    level=RuleLevel.ADVISORY,
    source="reference 2.8, 10g, 10h, 10i, 10k, 10l, 10o",
    find=_without_effect,
)

GENERATED_NAMES = Rule(
    id="names-of-generated-certificates",
    title="Extra names are for generated certificates",
    why="FL_CERT_EXTRA_SAN is ignored when the operator brings the certificate: its names are those in it.",
    fix="put the names into the operator's certificate.",
    level=RuleLevel.ADVISORY,
    source="reference 2.8, 10k",
    find=_generated_names,
)

PARTITIONS = Rule(
    id="partitions-differ",
    title="Every SuperNode has its own part of the data",
    why="A partition-id by hand is the same on every VM of the role: all train on the same part.",
    fix="leave FL_NODE_CONFIG empty: partition-id and num-partitions then follow from the place in the role.",
    level=RuleLevel.ADVISORY,
    source="reference 2.8, 10f",
    find=_fixed_partition,
)
