"""Until when certificates are valid, and when that is worth a warning."""

from datetime import UTC, datetime

import pytest

from fedstack.operations.expiry import Certificate, certificates
from fedstack.operations.status import Federation

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expires", "days", "warning"),
    [
        ("2027-11-21T12:00:00Z", 365, None),
        ("2026-12-21T12:00:00Z", 30, None),
        ("2026-12-21T11:59:59Z", 29, "the CA expires in 29 days (2026-12-21T11:59:59Z): `fedstack rotate-certs` makes"),
        ("2026-11-21T13:00:00Z", 0, "the CA expires in 0 days"),
        ("2026-11-21T11:00:00Z", -1, "the CA has expired (2026-11-21T11:00:00Z)"),
    ],
)
def test_a_month_before_its_end_a_certificate_is_warned_of(expires: str, days: int, warning: str | None) -> None:
    (found,) = certificates({"FL_CA_EXPIRES": expires}, NOW)
    assert found.days_left == days
    assert found.warning == warning or (warning is not None and str(found.warning).startswith(warning))


@pytest.mark.parametrize("said", [{}, {"FL_CA_EXPIRES": "soon"}, {"FL_CERT_EXPIRES": ""}])
def test_what_is_not_published_or_cannot_be_read_is_left_out(said: dict[str, str]) -> None:
    assert certificates(said, NOW) == []


def test_a_federation_tells_its_certificates_and_warnings_as_data() -> None:
    fine, old = Certificate("server certificate", "2027-11-21T12:00:00Z", 365), Certificate("CA", "x", 3)
    shown = Federation(1, "fl", "RUNNING", [], [fine, old]).as_dict()
    assert [each["days_left"] for each in shown["certificates"]] == [365, 3]
    assert shown["warnings"] == [old.warning]
    assert Federation(1, "fl", "RUNNING", []).as_dict()["warnings"] == []
