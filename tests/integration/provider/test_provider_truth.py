"""Diffs say the truth: nothing differs after what the program wrote, and exactly what somebody else changed."""

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from provider_cloud import TestCloud
from provider_driver import Driver
from provider_wishes import KINDS, Ground, lay_ground, wish

COUNT = int(os.environ.get("FEDSTACK_TRUTH", "5"))
"""How many programs of each resource are tried; machines and services take longer, so a third of it."""
RULES = settings(
    deadline=None,
    database=None,
    derandomize="FEDSTACK_TRUTH" not in os.environ,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
SLOW = ("VirtualMachine", "Service")


@pytest.fixture(scope="module")
def ground(cloud: TestCloud, tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return lay_ground(cloud, str(tmp_path_factory.mktemp("image")))


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_differs_after_what_the_program_wrote(kind: str, cloud: TestCloud, ground: Ground) -> None:
    """Made, changed in place, imported: each time a refresh finds nothing to do."""

    @settings(RULES, max_examples=-(-COUNT // (3 if kind in SLOW else 1)))
    @given(first=wish(kind, ground), second=wish(kind, ground))
    def check(first: dict[str, Any], second: dict[str, Any]) -> None:
        one = Driver(cloud, kind)
        one.create(**first)
        one.refresh()
        assert one.diff(**first).changes == {}
        imported = one.imported().inputs
        assert Driver(cloud, kind, id=one.id, inputs=imported, state=one.state).diff(**imported).changes == {}
        if not one.diff(**second).replaces:
            one.update(**second)
            one.refresh()
            assert one.diff(**second).changes == {}
        one.delete()
        assert one.refresh() is None

    check()
    assert not [text for text in cloud.plugin().messages if "did not take over" in text]
