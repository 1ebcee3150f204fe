"""Clouds for the provider's tests: one a module, with simulated machines that boot in a blink."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from provider_cloud import TestCloud, running_cloud


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestCloud]:
    """A cloud whose guests report READY when their context asks for it."""
    with running_cloud(tmp_path_factory.mktemp("cloud") / "state", "--boot-time", "0.2") as running:
        yield running
