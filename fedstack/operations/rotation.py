"""`fedstack rotate-certs`: new certificates for a running federation, the stack's own or generated ones.

The SuperLink's VM does it (`fedstack.appliance.rotation`); here it is asked to. Certificates of the configuration are
first put where the VMs read them at boot: into their context, and into what OneFlow makes new VMs from.
"""

import base64
import binascii
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fedstack.operations.errors import BadInputError, OperationError
from fedstack.operations.stack import Stack
from fedstack.operations.superlink import ROLE, WORKERS, SuperLink

CA, CERTIFICATE, KEY = "FL_SSL_CA_CERTFILE", "FL_SSL_CERTFILE", "FL_SSL_KEYFILE"
READ_BY = {ROLE: (CA, CERTIFICATE, KEY), WORKERS: (CA,)}
ANSWER_SECONDS = 300.0
REFRESH = ("refresh", "--yes", "--skip-preview", "--run-program", "--suppress-outputs")

Say = Callable[[str], None]


@dataclass(frozen=True)
class Answer:
    """How the rotation with this id ended: `done`, `refused` or `failed`, and a text."""

    id: str
    outcome: str
    text: str

    @classmethod
    def of(cls, attributes: Mapping[str, str]) -> "Answer | None":
        """The last answer that a SuperLink has given."""
        words = attributes.get("FL_ROTATED", "").split(maxsplit=2)
        return cls(*[*words, ""][:3]) if len(words) >= 2 else None


def rotate(stack: Stack, link: SuperLink, declared: Mapping[str, str], force: bool, say: Say) -> Answer:
    """Rotates, or follows a rotation that is under way; then lets the stack's outputs say what is so now.

    `declared` are the certificates of the stack's configuration, empty for generated ones. Raises OperationError.
    """
    attributes = link.attributes()
    if attributes.get("FL_TLS") != "YES":
        raise OperationError("the SuperLink has no TLS (or is not ready): there are no certificates to rotate")
    request = pending(attributes)
    if request:
        say(f"rotation {request} is under way")
    else:
        check(declared)
        hand_over(link, declared, say)
        request = secrets.token_hex(4)
        link.ask({"FL_ROTATE": f"{request}{' force' if force else ''}"})
        say(f"rotation {request} begins: it takes about half a minute")
    answer = link.wait(lambda said: _answer(said, request), ANSWER_SECONDS)
    if answer is None:
        raise OperationError(f"no answer to rotation {request} yet; it goes on, the same command follows it")
    if answer.outcome != "done":
        hint = "; --force ends it" if answer.outcome == "refused" else ""
        raise OperationError(f"rotation {request} {answer.outcome}: {answer.text}{hint}")
    stack.read(*REFRESH)
    return answer


def pending(attributes: Mapping[str, str]) -> str | None:
    """The id of a rotation that has no answer yet."""
    asked, answer = attributes.get("FL_ROTATE", "").split(), Answer.of(attributes)
    return asked[0] if asked and (answer is None or answer.id != asked[0]) else None


def _answer(attributes: Mapping[str, str], request: str) -> Answer | None:
    answer = Answer.of(attributes)
    return answer if answer and answer.id == request else None


def check(declared: Mapping[str, str]) -> None:
    """Refuses certificates with which no SuperLink could start; raises BadInputError."""
    from fedstack.appliance.certificates import CertificateError
    from fedstack.appliance.certificates import check as check_certificates

    if not declared.get(CA):
        return
    try:
        check_certificates(*(base64.b64decode(declared[name], validate=True) for name in (CA, CERTIFICATE, KEY)))
    except (CertificateError, binascii.Error) as error:
        raise BadInputError(f"tls of the stack's configuration: {error}") from None


def hand_over(link: SuperLink, declared: Mapping[str, str], say: Say) -> None:
    """Puts the declared certificates where VMs of the service read them at boot, if something else is there."""
    document = link.access.service(link.service_id)["TEMPLATE"]["BODY"]
    if changed(document, declared):
        link.access.update_service(link.service_id, document)
    machines = {link.vm_id: ROLE, **dict.fromkeys(link.members, WORKERS)}
    for vm_id, vm in link.access.vms(list(machines)).items():
        context = vm.TEMPLATE.get("CONTEXT") or {}
        wanted = {name: declared.get(name, "") for name in READ_BY[machines[vm_id]]}
        if any((context.get(name) or "") != value for name, value in wanted.items()):
            link.access.update_context(vm_id, wanted)
            say(f"VM {vm_id}: certificates of the configuration in its context")


def changed(body: dict[str, Any], declared: Mapping[str, str]) -> bool:
    """Puts the certificates into a service's body, for VMs still to come; whether that changed anything."""
    before = repr(body)
    for role in body["roles"]:
        contents = role.get("template_contents") or {}
        for name in READ_BY.get(role["name"], ()):
            if name in contents:
                contents[name] = declared.get(name, "")
    return repr(body) != before
