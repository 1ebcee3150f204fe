"""Object permissions: the octal form that people write and the nine flags that the APIs carry."""

import re
from dataclasses import dataclass

FLAGS = tuple(f"{who}_{right}" for who in ("OWNER", "GROUP", "OTHER") for right in ("U", "M", "A"))
"""The nine flag names in wire order: use, manage, admin for owner, group and others."""


@dataclass(frozen=True)
class Permissions:
    """Nine bits, owner use first; `mode` is their value as a number (0o600: owner may use and manage)."""

    mode: int = 0o600

    @classmethod
    def from_octal(cls, text: str) -> "Permissions":
        """Reads `"640"`; raises ValueError with the expected form."""
        if not re.fullmatch(r"[0-7]{3}", text):
            raise ValueError(f"permissions {text!r}: expected three octal digits such as 640")
        return cls(int(text, 8))

    @property
    def octal(self) -> str:
        """Three octal digits."""
        return f"{self.mode:03o}"

    def as_dict(self) -> dict[str, str]:
        """The `PERMISSIONS` element: nine keys with the values "0" or "1"."""
        return {flag: str(self.mode >> (8 - place) & 1) for place, flag in enumerate(FLAGS)}

    def changed(self, bits: tuple[int, ...]) -> "Permissions":
        """The permissions after a chmod call: per flag 1 sets, 0 clears, -1 keeps."""
        mode = self.mode
        for place, bit in enumerate(bits):
            mask = 1 << (8 - place)
            mode = mode | mask if bit == 1 else mode & ~mask if bit == 0 else mode
        return Permissions(mode)
