"""What is set and does not count: conditions of rows, and which certificates are in force (reference 2.7, 2.8, 5.2)."""

from collections.abc import Iterator, Mapping

from fedstack.context.table import variables
from fedstack.context.values import holds
from fedstack.context.variable import Appliance


def without_effect(appliance: Appliance, values: Mapping[str, str]) -> list[str]:
    """A sentence for each variable that differs from its defaults and has no effect; no value is shown.

    `values` are in force, as `effective` returns them.
    """
    notes = list(_unmet(appliance, values))
    return notes + list(_certificates(values)) if appliance == "superlink" else notes


def _unmet(appliance: Appliance, values: Mapping[str, str]) -> Iterator[str]:
    for row in variables(appliance):
        condition = row.active_if
        changed = values[row.name] not in (row.default, row.reference_default)
        if condition and changed and not holds(condition, values):
            yield f"{row.name} has no effect while {condition.variable} is not {' or '.join(condition.values)}"


def _certificates(values: Mapping[str, str]) -> Iterator[str]:
    """With TLS on: an operator's certificate has its own names, and without the CA the other two are ignored."""
    if values["FL_TLS_ENABLED"] != "YES":
        return
    if values["FL_SSL_CA_CERTFILE"]:
        if values["FL_CERT_EXTRA_SAN"]:
            yield "FL_CERT_EXTRA_SAN has no effect with certificates of the operator"
        return
    for name in ("FL_SSL_CERTFILE", "FL_SSL_KEYFILE"):
        if values[name]:
            yield f"{name} has no effect without FL_SSL_CA_CERTFILE"
