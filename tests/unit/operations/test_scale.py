"""What may be scaled, and how far."""

import pytest

from fedstack.operations.errors import BadInputError
from fedstack.operations.scale import check
from fedstack.operations.status import Federation, Role

FEDERATION = Federation(
    service_id=5,
    name="federation",
    state="RUNNING",
    roles=[Role("superlink", "RUNNING", 1, 1, 1, []), Role("supernode", "RUNNING", 2, 2, 4, [])],
)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_counts_within_the_bounds(count: int) -> None:
    check(FEDERATION, "supernode", count)


@pytest.mark.parametrize(
    ("role", "count", "cause"),
    [
        ("superlink", 2, "never scales"),
        ("supernode", 1, "at least 2"),
        ("supernode", 5, "at most 4"),
        ("worker", 2, "superlink, supernode"),
    ],
)
def test_refusals_name_the_bound(role: str, count: int, cause: str) -> None:
    with pytest.raises(BadInputError, match=cause) as refused:
        check(FEDERATION, role, count)
    assert refused.value.exit_code == 2
