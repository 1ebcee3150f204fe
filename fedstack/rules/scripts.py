"""Rules about start scripts that a template carries (TRAIN-AP1, MON-AP1, TLS-AP1, RES-AP4)."""

import re
from collections.abc import Callable, Iterator

from fedstack.rules.reading import attribute
from fedstack.rules.rule import Finding, Place, Rule, RuleLevel
from fedstack.rules.security import decoded
from fedstack.rules.template import Template

_BOTH = (Place.SERVICE_TEMPLATE, Place.VM_TEMPLATE)


def _scripts(template: Template) -> Iterator[tuple[str, str]]:
    """Path and text of every start script."""
    for holder, path in [
        (template.body, ""),
        *((role.contents, role.at("template_contents")) for role in template.roles),
    ]:
        for name in ("START_SCRIPT", "START_SCRIPT_BASE64"):
            text = attribute(holder, "CONTEXT", name)
            if isinstance(text, str):
                yield f"{path}.CONTEXT.{name}".lstrip("."), decoded(text) if name.endswith("BASE64") else text


def _containing(pattern: str, message: str) -> Callable[[Template], Iterator[Finding]]:
    compiled = re.compile(pattern)

    def find(template: Template) -> Iterator[Finding]:
        for path, text in _scripts(template):
            found = compiled.search(text)
            if found:
                yield Finding(path, f"{message}: {found.group()[:60]!r}")

    return find


NO_STRATEGY_FLAG = Rule(
    id="no-strategy-flag",
    title="The strategy is no flag of the SuperLink",
    why="The SuperLink has no such flag: it fails to start, or ignores what was meant.",
    fix="set FL_STRATEGY; the ServerApp reads it from the run config.",
    level=RuleLevel.ADVISORY,
    antipatterns=("TRAIN-AP1",),
    places=_BOTH,
    find=_containing(r"flower-superlink[^\n;|&]*--strategy\S*", "passes a strategy to the SuperLink"),
)

NO_MONITORING_STACK = Rule(
    id="no-monitoring-stack",
    title="Monitoring is not installed in the appliance",
    why="It competes with training for the VM, and a VM that installs software is no longer the image that was tested.",
    fix="run Prometheus and Grafana elsewhere and let them scrape the ports of the appliances.",
    level=RuleLevel.ADVISORY,
    antipatterns=("MON-AP1",),
    places=_BOTH,
    find=_containing(
        r"(?i)\b(?:install|pull|run|start|enable)\b[^\n]*\b(?:prometheus(?!_client)|grafana)\b\S*", "installs"
    ),
)

NO_CERTIFICATE_GLOB = Rule(
    id="no-certificate-globs",
    title="Certificates are published by name",
    why="A pattern over the directory of certificates publishes the private keys with them.",
    fix="name ca.crt.",
    level=RuleLevel.ADVISORY,
    antipatterns=("TLS-AP1",),
    places=_BOTH,
    find=_containing(r"\S*(?:certs?|certificates|ssl|tls|pki)/\S*\*\S*", "names certificates by a pattern"),
)

DISCOVERY_BY_READINESS = Rule(
    id="discovery-by-readiness",
    title="SuperNodes look for a SuperLink that is ready",
    why="The first node of the role may be the one that does not answer.",
    fix="look for FL_READY=YES among the nodes, as the appliance does by itself.",
    level=RuleLevel.ADVISORY,
    antipatterns=("RES-AP4",),
    places=_BOTH,
    find=_containing(r"nodes\s*(?:\[\s*0\s*\]|\|\s*first)", "takes the first node"),
)
