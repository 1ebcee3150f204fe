"""The image's environment and one real federation for all tests of this folder's modules."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fedstack.localcloud.images import ensure
from fedstack.training import Connection
from tests.integration.training.flower_federation import federation

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Running:
    """A federation of two SuperNodes: where it is, the image it runs in, and a folder with its ``ca.crt``."""

    connection: Connection
    environment: Path
    folder: Path


@pytest.fixture(scope="session")
def image_environment() -> Path:
    """The environment of the Flower image: ``FEDSTACK_IMAGE_ENV``, else built (once per machine) from its recipe."""
    given = os.environ.get("FEDSTACK_IMAGE_ENV")
    return Path(given) if given else ensure(ROOT / "images" / "flower-sklearn", print)


@pytest.fixture(scope="module")
def running(image_environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A federation that runs as long as the module's tests."""
    folder = tmp_path_factory.mktemp("federation")
    with federation(image_environment, folder, supernodes=2) as connection:
        yield Running(connection, image_environment, folder)
