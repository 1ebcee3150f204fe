"""Pulumi's state in a folder after a kill.

Pulumi writes each file of such a backend at once, but not the small `.attrs` file beside it. Killed in between, it
leaves an empty one, and then refuses the whole state: `failed to load checkpoint: EOF`. Nothing of the state is in
there, and without it the state is read as ever. (With `?metadata=skip` in the backend's address none is written.)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

SIDECARS = "*.attrs"


def mend(environment: Mapping[str, str]) -> list[Path]:
    """Removes what a kill left unreadable beside the state; the files that went. Other backends need nothing."""
    folder = state_folder(environment)
    if folder is None:
        return []
    broken = [path for path in sorted((folder / ".pulumi").rglob(SIDECARS)) if not _readable(path)]
    for path in broken:
        path.unlink(missing_ok=True)
    return broken


def state_folder(environment: Mapping[str, str]) -> Path | None:
    """The folder of the backend that Pulumi uses in this environment; None when its state is elsewhere."""
    parts = urlsplit(environment.get("PULUMI_BACKEND_URL") or _logged_in(environment))
    return Path(unquote(parts.netloc + parts.path)).expanduser() if parts.scheme == "file" else None


def _logged_in(environment: Mapping[str, str]) -> str:
    """The backend of the last `pulumi login`, empty without one."""
    home = Path(environment.get("PULUMI_HOME") or "~/.pulumi").expanduser()
    try:
        return str(json.loads((home / "credentials.json").read_text()).get("current", ""))
    except (OSError, ValueError, AttributeError):
        return ""


def _readable(path: Path) -> bool:
    try:
        json.loads(path.read_text())
    except FileNotFoundError:
        return True
    except ValueError:
        return False
    return True
