"""Until when a SuperLink's certificates are valid, by what its VM publishes."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

PUBLISHED = {"FL_CERT_EXPIRES": "server certificate", "FL_CA_EXPIRES": "CA"}
FORMAT = "%Y-%m-%dT%H:%M:%SZ"
NEAR = timedelta(days=30)


@dataclass(frozen=True)
class Certificate:
    """One of them; `expires` in UTC as ISO 8601, `days_left` whole days, negative once it has expired."""

    name: str
    expires: str
    days_left: int

    @property
    def warning(self) -> str | None:
        """What an operator has to know; None while there is time."""
        if self.days_left >= NEAR.days:
            return None
        when = f"expires in {self.days_left} days" if self.days_left >= 0 else "has expired"
        return f"the {self.name} {when} ({self.expires}): `fedstack rotate-certs` makes new ones"

    def __str__(self) -> str:
        return f"{self.name} until {self.expires[:10]}"


def certificates(attributes: Mapping[str, str], now: datetime) -> list[Certificate]:
    """The certificates of a SuperLink; none without TLS, and none whose date cannot be read."""
    found = []
    for key, name in PUBLISHED.items():
        with suppress(ValueError):
            expires = attributes.get(key, "")
            end = datetime.strptime(expires, FORMAT).replace(tzinfo=UTC)
            found.append(Certificate(name, expires, (end - now).days))
    return found
