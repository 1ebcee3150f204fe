"""Being told by the kernel that something changed in a directory (Linux)."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from pathlib import Path

_MODIFY, _MOVED_TO, _CREATE, _DELETE_SELF = 0x002, 0x080, 0x100, 0x400
_MASK = _MODIFY | _MOVED_TO | _CREATE | _DELETE_SELF
_BUFFER = 1 << 16


class Watch:
    """Waits for a change in any of several directories, which need not exist yet."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = self._libc.inotify_init1(os.O_CLOEXEC)
        if self._descriptor < 0:
            raise OSError(ctypes.get_errno(), "inotify is not available")

    def look_at(self, directories: Iterable[Path]) -> None:
        """Watches those that exist; one that is watched already stays so."""
        for directory in directories:
            if directory.is_dir():
                self._libc.inotify_add_watch(self._descriptor, os.fsencode(directory), _MASK)

    def wait(self) -> None:
        """Returns after the next change (at once after one since the last call)."""
        os.read(self._descriptor, _BUFFER)

    def close(self) -> None:
        """Ends it."""
        os.close(self._descriptor)
