"""Whether TLS is on, and whose CA counts: the decisions of reference 5.2 and 5.3. They fail closed."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from fedstack.appliance import certificates, files
from fedstack.appliance.certificates import CertificateError, Material
from fedstack.appliance.failure import ErrorCode, StepError
from fedstack.appliance.service import Announcement

CA, CERTIFICATE, KEY = "FL_SSL_CA_CERTFILE", "FL_SSL_CERTFILE", "FL_SSL_KEYFILE"


class Source(Enum):
    """Where a SuperLink's certificates come from."""

    OFF = "off"
    GENERATED = "generated"
    OPERATOR = "operator"


@dataclass(frozen=True)
class NodeTls:
    """A SuperNode's decision: `ca` is base64 of the PEM to trust (TLS on), None: TLS off."""

    ca: str | None
    warning: str | None = None


def decode(name: str, value: str) -> bytes:
    """The content of a base64 variable. Raises StepError naming the variable."""
    try:
        return base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        raise StepError(f"{name} does not decode: expected base64 of a PEM file", ErrorCode.TLS_SETUP_FAILED) from None


def superlink_source(values: Mapping[str, str], enabled: bool) -> Source:
    """Reference 5.2. Raises StepError (config_validation_failed) when the operator's triple is incomplete."""
    if not enabled:
        return Source.OFF
    if not values.get(CA):
        return Source.GENERATED
    missing = [name for name in (CERTIFICATE, KEY) if not values.get(name)]
    if missing:
        problem = f"{CA} is set but {' and '.join(missing)} is not: expected all three or none"
        raise StepError(problem, ErrorCode.CONFIG_VALIDATION_FAILED)
    return Source.OPERATOR


def setup_superlink(material: Material, source: Source, values: Mapping[str, str], address: str) -> str:
    """Boot step 7a: puts the certificates in place and verifies their chain; says what was done. Raises StepError."""
    if source is Source.OFF:
        return "TLS is off"
    files.make_directory(material.directory, 0o700)
    try:
        material.settle()
        if source is Source.OPERATOR:
            _install(material, values)
            note = "operator certificates"
        else:
            note = _generated(material, address, values.get("FL_CERT_EXTRA_SAN", ""))
        server = certificates.verify(material)
    except CertificateError as error:
        raise StepError(str(error)) from None
    return f"{note}, valid until {server.not_valid_after_utc:%Y-%m-%d}"


def _install(material: Material, values: Mapping[str, str]) -> None:
    files.write(material.ca, decode(CA, values[CA]), 0o644)
    files.write(material.server, decode(CERTIFICATE, values[CERTIFICATE]), 0o644)
    files.write(material.server_key, decode(KEY, values[KEY]), 0o600)
    material.ca_key.unlink(missing_ok=True)


def _generated(material: Material, address: str, extra: str) -> str:
    names = certificates.alternative_names(address, extra)
    if certificates.is_reusable(material, names):
        return "certificates of an earlier boot reused"
    certificates.generate(material, address, names)
    return "certificates generated"


def node_decision(switch: str, own_ca: str, announced: Announcement | None) -> NodeTls:
    """Reference 5.3. `switch` is FL_TLS_ENABLED as given (empty: unset), `own_ca` FL_SSL_CA_CERTFILE.

    Raises StepError (tls_setup_failed) when TLS has to be on and no CA is known: there is no silent downgrade.
    """
    advertised = announced is not None and announced.tls
    if switch.upper() == "NO":
        warning = "FL_TLS_ENABLED is NO but the SuperLink has TLS: the connection will fail" if advertised else None
        return NodeTls(None, warning)
    if switch.upper() != "YES" and not advertised:
        return NodeTls(None)
    ca = own_ca or (announced.ca if announced else "")
    if not ca:
        place = "the SuperLink published no FL_CA_CERT" if announced else "the SuperLink's address is static"
        raise StepError(f"TLS is on and there is no CA: {place} and {CA} is empty", ErrorCode.TLS_SETUP_FAILED)
    return NodeTls(ca)


def install_node_ca(material: Material, ca: str) -> str:
    """Boot step 7b: checks the CA and writes ca.crt; says until when it is valid. Raises StepError."""
    content = decode("the CA certificate", ca)
    try:
        certificate = certificates.parse_certificates(content, "the CA certificate")[0]
    except CertificateError as error:
        raise StepError(str(error)) from None
    files.make_directory(material.directory, 0o700)
    files.write(material.ca, content, 0o644)
    return f"CA valid until {certificate.not_valid_after_utc:%Y-%m-%d}"


def published(material: Material) -> dict[str, str]:
    """What everybody may know: ca.crt as base64 on one line, and until when both certificates are valid (UTC)."""
    ca = material.ca.read_bytes()
    server = certificates.parse_certificates(material.server.read_bytes(), material.server.name)[0]
    ends = min(each.not_valid_after_utc for each in certificates.parse_certificates(ca, material.ca.name))
    return {
        "FL_CA_CERT": base64.b64encode(ca).decode(),
        "FL_CA_EXPIRES": f"{ends:%Y-%m-%dT%H:%M:%SZ}",
        "FL_CERT_EXPIRES": f"{server.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}",
    }
