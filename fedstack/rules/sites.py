"""Rules about several sites (MS-AP2, MS-AP3, MS-AP4, MS-AP6) and the edge (SCALE-AP1, SCALE-AP5)."""

import math
from collections.abc import Iterator

from fedstack.oneflow.unknown import UNKNOWN
from fedstack.rules.reading import count
from fedstack.rules.rule import Finding, Option, Rule, RuleLevel
from fedstack.rules.settings import Settings, settings
from fedstack.rules.template import Template

_EDGE = ("FL_EDGE_BACKOFF", "FL_EDGE_MAX_BACKOFF")


def _no_address(template: Template) -> Iterator[Finding]:
    for found in _site(template):
        setting = found.given.get("FL_SUPERLINK_ADDRESS")
        if setting is None and found.complete:
            yield Finding(found.role.at("user_inputs"), f"of role {found.role.name} lacks FL_SUPERLINK_ADDRESS")
        elif setting and not setting.mandatory and setting.value == "":
            yield Finding(setting.path, f"of role {found.role.name} may be left empty, must be mandatory (M|text|...)")


def _site(template: Template) -> Iterator[Settings]:
    """The SuperNodes of a template without a SuperLink."""
    for role in template.supernodes if template.is_training_site else ():
        yield settings(template, role)


def _plain(template: Template) -> Iterator[Finding]:
    """Only a template that says NO: our appliances encrypt by default."""
    remote = template.supernodes if template.is_training_site else []
    remote = template.superlinks if template.is_coordinator else remote
    for role in remote:
        found = settings(template, role)
        if found.known().get("FL_TLS_ENABLED", "").upper() == "NO":
            yield Finding(found.path("FL_TLS_ENABLED"), f"is NO for role {role.name}, whose other side is elsewhere")


def _no_authority(template: Template) -> Iterator[Finding]:
    for found in _site(template):
        encrypts = found.judgeable(("FL_TLS_ENABLED",)) and found.effective()["FL_TLS_ENABLED"] == "YES"
        if encrypts and "FL_SSL_CA_CERTFILE" not in found.given:
            yield Finding(found.role.at("user_inputs"), f"of role {found.role.name} lacks FL_SSL_CA_CERTFILE")


def _no_extra_name(template: Template) -> Iterator[Finding]:
    for role in template.superlinks if template.is_coordinator else ():
        found = settings(template, role)
        encrypts = found.judgeable(("FL_TLS_ENABLED",)) and found.effective()["FL_TLS_ENABLED"] == "YES"
        if encrypts and not {"FL_CERT_EXTRA_SAN", "FL_SSL_CA_CERTFILE"} & found.given.keys():
            yield Finding(role.at("user_inputs"), f"of role {role.name} lacks FL_CERT_EXTRA_SAN and FL_SSL_CA_CERTFILE")


def _hybrid(template: Template) -> Iterator[Finding]:
    name, word = template.body.get("name"), template.option("coordinatorName").lower()
    if isinstance(name, str) and word and word in name.lower() and template.superlinks:
        for role in template.supernodes:
            yield Finding(role.path, f"is role {role.name} in a coordinator's template, must be a service of its own")


def _is_edge(found: Settings) -> bool:
    """The edge image has inputs for its backoff and none for GPUs; or a backoff that is not the default."""
    changed = [found.given[name] for name in _EDGE if name in found.given and found.given[name].known]
    defaults = {"exponential", "300"}
    declares = any(name in found.given for name in _EDGE) and "FL_GPU_ENABLED" not in found.given
    return declares or any(setting.value not in defaults for setting in changed)


def _all_needed(template: Template) -> Iterator[Finding]:
    for role in template.supernodes if template.superlinks else ():
        link = settings(template, template.superlinks[0])
        number = role.count("cardinality")
        if not _is_edge(settings(template, role)) or not link.judgeable(("FL_MIN_AVAILABLE_CLIENTS",)):
            continue
        available = count(link.effective()["FL_MIN_AVAILABLE_CLIENTS"])
        if isinstance(available, int) and isinstance(number, int) and available >= number > 1:
            path = (
                link.given["FL_MIN_AVAILABLE_CLIENTS"].path if "FL_MIN_AVAILABLE_CLIENTS" in link.given else role.path
            )
            yield Finding(
                path, f"needs {available} of {number} nodes at the edge, must be about {math.ceil(number / 2)}"
            )


def _edge_framework(template: Template) -> Iterator[Finding]:
    for role in template.supernodes:
        found = settings(template, role)
        framework = found.given.get("ML_FRAMEWORK")
        if framework and framework.value is not UNKNOWN and _is_edge(found):
            yield Finding(framework.path, f"of role {role.name} chooses a framework image at the edge")


ADDRESS_GIVEN = Rule(
    id="site-has-address",
    title="A training site is told where its SuperLink is",
    why="OneGate ends at the zone: without an address SuperNodes look for five minutes and fail to boot.",
    fix='declare FL_SUPERLINK_ADDRESS as "M|text|Address of the SuperLink".',
    level=RuleLevel.MANDATORY,
    antipatterns=("MS-AP2",),
    find=_no_address,
)

SITES_ENCRYPT = Rule(
    id="sites-encrypt",
    title="Traffic between sites is encrypted",
    why="Without TLS model weights cross the network between sites in plain text.",
    fix="set FL_TLS_ENABLED to YES.",
    level=RuleLevel.MANDATORY,
    antipatterns=("MS-AP3",),
    find=_plain,
)

SITE_HAS_AUTHORITY = Rule(
    id="site-has-authority",
    title="A training site knows the SuperLink's CA",
    why="A site cannot read the CA from OneGate of another zone: without it no SuperNode trusts the SuperLink.",
    fix='declare FL_SSL_CA_CERTFILE as "M|text64|CA certificate".',
    level=RuleLevel.ADVISORY,
    source="reference 12.1",
    find=_no_authority,
)

EXTRA_NAME = Rule(
    id="remote-name-in-certificate",
    title="A coordinator's certificate can have its outer name",
    why="The generated certificate has the private address alone: through a tunnel or a public address TLS fails.",
    fix="declare FL_CERT_EXTRA_SAN, or bring certificates of your own.",
    level=RuleLevel.ADVISORY,
    antipatterns=("MS-AP4",),
    find=_no_extra_name,
)

COORDINATOR_ALONE = Rule(
    id="coordinator-alone",
    title="A coordinator's template has no SuperNodes",
    why="Local SuperNodes are found by OneGate and remote ones by address: minimum numbers and order fit neither.",
    fix="deploy the SuperNodes of this site as a service of their own.",
    level=RuleLevel.ADVISORY,
    antipatterns=("MS-AP6",),
    options=(Option("coordinatorName", "coordinator", "word in the name of templates of coordinators"),),
    find=_hybrid,
)

EDGE_QUORUM = Rule(
    id="edge-quorum",
    title="At the edge training goes on without some nodes",
    why="When every node is needed, one that is offline stops all training.",
    fix="set FL_MIN_AVAILABLE_CLIENTS to half of the nodes, rounded up.",
    level=RuleLevel.ADVISORY,
    antipatterns=("SCALE-AP1",),
    find=_all_needed,
)

EDGE_IMAGE = Rule(
    id="edge-without-framework",
    title="Edge nodes have no framework image",
    why="A framework image is far above the 2 GB that an edge image may have.",
    fix="use the base image with FL_ISOLATION=process and take ML_FRAMEWORK out.",
    level=RuleLevel.ADVISORY,
    antipatterns=("SCALE-AP5",),
    find=_edge_framework,
)
