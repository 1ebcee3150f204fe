"""Rules about secrets and encryption."""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any

from fedstack.context import named
from fedstack.rules.reading import texts
from fedstack.rules.rule import Finding, Option, Place, Rule, RuleLevel
from fedstack.rules.settings import declared, every, input_default
from fedstack.rules.template import Template

_SECRET_NAME = re.compile(
    r"(?i)PASSWORD|PASSWD|PASSPHRASE|SECRET|PRIVATE_?KEY|KEYFILE|API_?KEY|ACCESS_?KEY|(?<!^)TOKEN$"
)
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_LONGEST = 1 << 20
"""Characters of a text that are looked into as base64."""


def _plain_secrets(template: Template) -> Iterator[Finding]:
    found: dict[str, str] = {}
    for path, what in (*_secret_defaults(template), *_secret_values(template.body), *_keys(template.body)):
        found.setdefault(path, what)
    for path, what in found.items():
        yield Finding(path, what)


def _secret_defaults(template: Template) -> Iterator[tuple[str, str]]:
    holders: list[tuple[Mapping[str, Any], str]] = [(template.body, "")]
    holders += [(role.fields, role.path) for role in template.roles]
    for holder, path in holders:
        for place, name, text in declared(holder, path):
            default = input_default(text)
            is_password = isinstance(text, str) and text.split("|")[1:2] == ["password"]
            if isinstance(default, str) and default.strip() and (is_password or _is_secret(name)):
                yield place, "has a secret as its default"


def _secret_values(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for path, text in texts(body):
        name = path.rpartition(".")[2]
        if ".user_inputs." in f".{path}" or not text.strip() or text.startswith(("$", "{{")):
            continue
        if _is_secret(name) or _SECRET_NAME.search(name.partition("[")[0]):
            yield path, "holds a secret in plain text"


def _is_secret(name: str) -> bool:
    return any(row.secret for row in named(name)) or bool(_SECRET_NAME.search(name))


def _keys(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for path, text in texts(body):
        if _PRIVATE_KEY.search(text) or _PRIVATE_KEY.search(decoded(text.rpartition("|")[2])):
            yield path, "holds a private key in plain text"


def decoded(text: str) -> str:
    """What base64 text stands for; empty for anything else."""
    if len(text) > _LONGEST:
        return ""
    try:
        return base64.b64decode(text.strip(), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""


def _no_encryption(template: Template) -> Iterator[Finding]:
    if not template.federates:
        return
    for found in every(template):
        if found.appliance == "superlink" and found.known().get("FL_TLS_ENABLED", "").upper() == "NO":
            yield Finding(found.path("FL_TLS_ENABLED"), "is NO, must be YES")


def _generated_certificates(template: Template) -> Iterator[Finding]:
    if not template.option("required"):
        return
    for found in every(template):
        given = found.given.get("FL_SSL_CA_CERTFILE")
        unset = given is None or (given.value == "" and not given.mandatory)
        if found.appliance == "superlink" and found.complete and unset:
            place = given.path if given else found.role.at("user_inputs")
            yield Finding(place, "has no FL_SSL_CA_CERTFILE, must be the operator's certificates")


NO_PLAIN_SECRETS = Rule(
    id="no-plain-secrets",
    title="No secret in a template",
    why="Everybody who may use a template can read it, and the platform repeats it in every VM that it creates.",
    fix="declare a password input without a default, and give the value when the service is made.",
    level=RuleLevel.MANDATORY,
    source="templates are readable for everybody who may use them",
    places=(Place.SERVICE_TEMPLATE, Place.VM_TEMPLATE),
    find=_plain_secrets,
)

TLS_ENABLED = Rule(
    id="tls-enabled",
    title="Flower traffic is encrypted",
    why="Without TLS model weights travel in plain text, and SuperNodes cannot be authenticated.",
    fix="set FL_TLS_ENABLED to YES.",
    level=RuleLevel.ADVISORY,
    source="reference 5",
    find=_no_encryption,
)

OPERATOR_CERTIFICATES = Rule(
    id="operator-certificates",
    title="Certificates come from the operator",
    why="A generated CA is new with every SuperLink: clients fetch it again, and nobody vouches for it.",
    fix="give FL_SSL_CA_CERTFILE, FL_SSL_CERTFILE and FL_SSL_KEYFILE.",
    level=RuleLevel.ADVISORY,
    source="reference 5.2",
    options=(Option("required", False, "whether an environment asks for it"),),
    find=_generated_certificates,
)
