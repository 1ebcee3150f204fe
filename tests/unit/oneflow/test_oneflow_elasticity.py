"""Elasticity: the samples of the reference, and properties of the grammar."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedstack.oneflow.elasticity import ExpressionError, average, evaluate, names, parse, target

VALUES = {"A": 2.5, "CPU": 20.0}


@pytest.mark.parametrize(
    ("expression", "truth"),
    [
        ("A > 2", True),
        ("A == 2.5", True),
        ("A = 2.5", True),
        ("A <> 2.5", False),
        ("a>2 & cpu>15", True),
        ("B > 0", False),
        ("!(B > 0)", True),
        ('"A" > 2', False),
        ("A>9 | A>1 & A>5", False),
        ("A>1 | A>9 & A>9", True),
        ("A>1 || A>9 && A>9", True),
        ("A>9 & A>1 | A>1", False),
        ("1 > 0", True),
        ("-1 >= -1.0", True),
        ("! A>9 & A>1", True),
        ("!A>1 & A>9", True),
        ("((A>2)) & (A<3)", True),
        (" A > 2 ", True),
    ],
)
def test_samples(expression: str, truth: bool) -> None:
    assert evaluate(expression, VALUES.get) is truth


@pytest.mark.parametrize(
    "text",
    ["", " ", "A", "A >", "A > 2 and B > 1", "A+1 > 2", "(A > 1", "A > 1)", "A\t> 1", "1A > 2", "A > .5", "A => 1"],
)
def test_refused(text: str) -> None:
    with pytest.raises(ExpressionError, match="expected"):
        parse(text)


def test_names_come_in_order() -> None:
    assert names("cpu > 1 & (FL_X < 2 | !B = 3)") == ["CPU", "FL_X", "B"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["2", "2", "1"], 1.67),
        (["2", None, "3"], 2.5),
        ([None], None),
        ([], None),
        (["YES"], 0.0),
        (["12abc"], 12.0),
        (["-1.5"], -1.5),
    ],
)
def test_average(values: list[str | None], expected: float | None) -> None:
    assert average(values) == expected


@pytest.mark.parametrize(
    ("kind", "adjust", "cardinality", "step", "wanted"),
    [
        ("CHANGE", 1, 3, None, 4),
        ("CHANGE", 5, 8, None, 10),
        ("CHANGE", 1, 12, None, 12),
        ("CHANGE", -5, 4, None, 2),
        ("CARDINALITY", 4, 2, None, 4),
        ("CARDINALITY", 1, 4, None, 1),
        ("CARDINALITY", 99, 4, None, 10),
        ("PERCENTAGE_CHANGE", 50, 3, None, 4),
        ("PERCENTAGE_CHANGE", 1, 3, None, 4),
        ("PERCENTAGE_CHANGE", -1, 5, None, 4),
        ("PERCENTAGE_CHANGE", 10, 3, 2, 5),
        ("PERCENTAGE_CHANGE", -50, 8, 2, 4),
    ],
)
def test_target(kind: str, adjust: int, cardinality: int, step: int | None, wanted: int) -> None:
    assert target(kind, adjust, cardinality, min_vms=2, max_vms=10, min_adjust_step=step) == wanted


def test_unknown_policy_type() -> None:
    with pytest.raises(ValueError, match="CHANGE"):
        target("X", 1, 1, min_vms=0, max_vms=1)


NAME = st.sampled_from(["A", "B", "cpu"])
CONDITION = st.builds(
    "{} {} {}".format, NAME, st.sampled_from(["==", "=", "!=", "<>", ">=", ">", "<=", "<"]), st.integers(-9, 9)
)
EXPRESSION = st.recursive(
    CONDITION,
    lambda inner: (
        st.builds("({})".format, inner)
        | st.builds("! {}".format, inner)
        | st.builds("({}) {} {}".format, inner, st.sampled_from(["&", "&&", "|", "||"]), inner)
    ),
    max_leaves=6,
)


@given(EXPRESSION, st.dictionaries(st.sampled_from(["A", "B", "CPU"]), st.floats(-9, 9)))
def test_whatever_is_built_by_the_grammar_has_a_truth_and_its_negation(
    expression: str, values: dict[str, float]
) -> None:
    truth = evaluate(expression, values.get)
    assert evaluate(f"!({expression})", values.get) is not truth
    assert evaluate(f"({expression})", values.get) is truth


@given(st.text(alphabet="AB12 ><=!&|()\"'_.-", max_size=20))
def test_any_text_parses_or_is_refused(text: str) -> None:
    try:
        parse(text)
    except ExpressionError as error:
        assert "expected" in str(error)
