"""Functions without a cloud: their arguments, and the message when a look-up finds none or several."""

import pytest

from fedstack.oneflow.unknown import UNKNOWN
from opennebula_provider.errors import ProviderError
from opennebula_provider.functions.images import GET_IMAGE, GET_IMAGES, IMAGE
from opennebula_provider.functions.lookup import named_like, only
from opennebula_provider.registry import FUNCTIONS

PLACE = "http://one/RPC2"


def test_the_functions_that_there_are() -> None:
    assert [token.removeprefix("opennebula:index:") for token in FUNCTIONS] == [
        *("getImage", "getImages", "getVirtualNetwork", "getVirtualMachineTemplate", "getServiceTemplate"),
        *("getService", "getHosts", "getDatastore", "getVersion"),
    ]


def test_exactly_one_of_id_and_name() -> None:
    assert GET_IMAGE.check({"name": "a"}) == ({"name": "a"}, [])
    assert GET_IMAGE.check({"imageId": UNKNOWN})[1] == []
    (problem,) = GET_IMAGE.check({})[1]
    assert str(problem) == "exactly one of imageId and name is needed, got none of them"
    assert GET_IMAGES.check({})[1] == []


def test_every_wrong_argument_is_named() -> None:
    problems = GET_IMAGES.check({"datastoreId": "x", "pattern": "a"})[1]
    assert [str(one).split(":")[0] for one in problems] == ["pattern", "datastoreId"]


def test_one_of_that_name() -> None:
    trees = [{"ID": "1", "NAME": "a"}, {"ID": "2", "NAME": "b"}]
    assert only(IMAGE, "b", trees, PLACE)["ID"] == "2"


def test_none_or_several_of_that_name() -> None:
    trees = [{"ID": "1", "NAME": "abc", "UNAME": "ann"}, {"ID": "9", "NAME": "abc", "UNAME": "bob"}]
    with pytest.raises(ProviderError) as several:
        only(IMAGE, "abc", trees, PLACE)
    assert str(several.value) == (
        f"name 'abc': expected exactly one image of this name at {PLACE}, found 2 (1 of ann, 9 of bob): "
        "say which with imageId"
    )
    with pytest.raises(ProviderError, match=r"found 0; did you mean 'abc'\?$"):
        only(IMAGE, "abd", trees, PLACE)
    with pytest.raises(ProviderError, match=r"found 0$"):
        only(IMAGE, "zzz", trees, PLACE)


def test_a_pattern_matches_whole_names() -> None:
    trees = [{"NAME": "a1"}, {"NAME": "a12"}, {"NAME": "b1"}]
    assert named_like({"namePattern": "a."}, trees) == [{"NAME": "a1"}]
    assert named_like({}, trees) == trees
