"""IPv4 and MAC addresses as numbers and back; the cloud's own block 127.<block>.0.0/16."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

from fedstack.opennebula.errors import ErrorCode, OneError

_MAC = re.compile(r"([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}")


def ip_number(text: str) -> int:
    """Raises OneError INTERNAL for text that is no IPv4 address."""
    try:
        return int(ipaddress.IPv4Address(text))
    except ValueError as error:
        raise OneError(ErrorCode.INTERNAL, f'Missing or malformed IP "{text}": expected an IPv4 address.') from error


def ip_text(number: int) -> str:
    """Dotted form."""
    return str(ipaddress.IPv4Address(number))


def mac_number(text: str) -> int:
    """Raises OneError INTERNAL for text that is no MAC address."""
    if not _MAC.fullmatch(text):
        raise OneError(ErrorCode.INTERNAL, f'Malformed MAC "{text}": expected six pairs of hexadecimal digits.')
    return int(text.replace(":", ""), 16)


def mac_text(number: int) -> str:
    """Six pairs of digits."""
    digits = f"{number:012x}"
    return ":".join(digits[place : place + 2] for place in range(0, 12, 2))


def mac_of_ip(ip: int) -> int:
    """The platform's MAC for an address: prefix 02:00, then the four octets."""
    return 0x0200 << 32 | ip


def free_run(block: int, size: int, taken: Iterable[tuple[int, int]]) -> int:
    """The first address of a free run of `size` in 127.<block>.1.1 to 127.<block>.255.254.

    `taken` holds (first, size) of the ranges in use. Raises OneError INTERNAL when no gap is large enough.
    """
    base = 127 << 24 | block << 16
    place, end = base + 257, base + 65535
    for first, length in sorted(run for run in taken if base <= run[0] <= end):
        if first - place >= size:
            break
        place = max(place, first + length)
    if place + size > end:
        raise OneError(ErrorCode.INTERNAL, f"No {size} addresses in a row are left in 127.{block}.0.0/16.")
    return place
