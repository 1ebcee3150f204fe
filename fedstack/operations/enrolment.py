"""`fedstack enrol`: SuperNodes that OneGate does not reach, such as those of another zone.

Their public keys lie in the SuperLink's VM, one attribute a key, and the SuperLink registers what lies there.
"""

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fedstack.appliance import keys
from fedstack.operations.errors import BadInputError, OperationError
from fedstack.operations.superlink import SuperLink

PREFIX, REVOKED = "FL_ENROL_", "revoked"
ANSWER_SECONDS = 60.0


@dataclass(frozen=True)
class Enrolled:
    """A SuperNode's key. `node`: its VM, or `outside`; `state`: `registered`, `refused`, `revoked` or `waiting`."""

    fingerprint: str
    node: str
    state: str

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for `--json`."""
        return asdict(self)


def enrol(link: SuperLink, text: str) -> str:
    """Registers the public key of a SuperNode; its fingerprint. Doing it again changes nothing.

    Raises BadInputError when it is no key, OperationError when the SuperLink does not take it.
    """
    public, name = read_key(text)
    attributes = _authenticating(link)
    if attributes.get(_attribute(name)) == REVOKED:
        raise OperationError(f"key {name} was revoked, which is for good: make a new key on that node")
    if attributes.get(_attribute(name)) != public:
        link.ask({_attribute(name): public})
    state = link.wait(lambda said: _decided(said, name), ANSWER_SECONDS)
    if state == "refused":
        raise OperationError(f"key {name}: the SuperLink refuses it, it was registered before; make a new key")
    if state is None:
        raise OperationError(f"key {name} is not registered yet; the SuperLink takes it at its next look")
    return name


def revoke(link: SuperLink, fingerprint: str) -> None:
    """Takes the right to connect from a SuperNode outside of the service, for good; raises OperationError."""
    attributes, name = _authenticating(link), fingerprint.lower()
    if _attribute(name) not in attributes:
        known = ", ".join(each.fingerprint for each in enrolled(link) if each.node == "outside") or "none"
        raise BadInputError(f"{fingerprint!r}: expected the fingerprint of an enrolled key, one of {known}")
    link.ask({_attribute(name): REVOKED})
    gone = link.wait(lambda said: True if name not in said.get("FL_REGISTERED", "").split() else None, ANSWER_SECONDS)
    if not gone:
        raise OperationError(f"key {name} is still registered; the SuperLink revokes it at its next look")


def enrolled(link: SuperLink) -> list[Enrolled]:
    """Every key that the SuperLink knows of: of the service's SuperNodes, then from outside."""
    said = _authenticating(link)
    members = ((vm_id, vm.USER_TEMPLATE or {}) for vm_id, vm in link.access.vms(list(link.members)).items())
    inside = {
        keys.fingerprint(facts["FL_NODE_PUBLIC_KEY"]): f"VM {vm_id}"
        for vm_id, facts in members
        if facts.get("FL_NODE_PUBLIC_KEY")
    }
    outside = {name.removeprefix(PREFIX).lower(): "outside" for name in said if name.startswith(PREFIX)}
    return [Enrolled(name, node, state_of(said, name)) for name, node in {**inside, **outside}.items()]


def read_file(name: str) -> str:
    """The text of a file, or of standard input for `-`; raises BadInputError."""
    try:
        return sys.stdin.read() if name == "-" else Path(name).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"{name}: expected a readable file with a public key ({error})") from None


def read_key(text: str) -> tuple[str, str]:
    """The key without its comment, and its fingerprint; raises BadInputError."""
    try:
        public = keys.from_pem(keys.to_pem(text.strip()))
        return public, keys.fingerprint(public)
    except ValueError:
        shown = text.strip()[:40]
        raise BadInputError(
            f"{shown!r}: expected the public key of a SuperNode, as it publishes it: ecdsa-sha2-nistp384 AAAA..."
        ) from None


def _attribute(fingerprint: str) -> str:
    return f"{PREFIX}{fingerprint.upper()}"


def _authenticating(link: SuperLink) -> dict[str, str]:
    attributes = link.attributes()
    if attributes.get("FL_ENROLMENT") != "YES":
        raise OperationError("the SuperLink does not authenticate SuperNodes (or is not ready): nobody has to enrol")
    return attributes


def _decided(said: Mapping[str, str], name: str) -> str | None:
    state = state_of(said, name)
    return None if state == "waiting" else state


def state_of(said: Mapping[str, str], name: str) -> str:
    """The state of a key by what the SuperLink's VM says."""
    if said.get(_attribute(name)) == REVOKED:
        return "revoked"
    for state in ("registered", "refused"):
        if name in said.get(f"FL_{state.upper()}", "").split():
            return state
    return "waiting"
