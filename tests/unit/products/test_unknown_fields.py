"""Unknown fields are dropped and named; all that is known stays strict."""

from typing import Annotated, Literal

import pytest
from pydantic import Field, ValidationError

from gateway.api.products.unknown_fields import WARNINGS_MAX, AlsoKnown, ForgivingBody
from shared.job_kind import Rule, Wire


class Circle(Wire):
    """A shape."""

    radius: float


class Dot(Wire):
    """One of two marks."""

    mark: Literal["dot"]
    at: float


class Line(Wire):
    """The other."""

    mark: Literal["line"]
    start: float


class Box(Wire):
    """Another shape."""

    sides: tuple[Circle, ...]


class Order(ForgivingBody):
    """What is asked for."""

    name: str
    circles: tuple[Circle, ...] | None = None
    by_name: dict[str, Circle] = {}
    either: Annotated[Dot | Line, Field(discriminator="mark")] | None = None
    any_mark: Annotated[Circle | Box | None, AlsoKnown(frozenset({"colour"}))] = None
    few: Annotated[list[Circle], Field(max_length=2, fail_fast=True)] = []


def messages(body):
    assert {each["code"] for each in body.warnings} <= {"unknown_field"}
    return [each["message"].split()[0] for each in body.warnings]


def test_a_body_that_is_known_has_no_warnings():
    body = Order.model_validate({"name": "a", "circles": [{"radius": 1}]})
    assert body.warnings == []
    assert body.beside({"id": 1}) == {"id": 1}


def test_unknown_fields_are_ignored_and_named_at_any_depth():
    body = Order.model_validate(
        {
            "name": "a",
            "colour": "red",
            "circles": [{"radius": 1}, {"radius": 2, "fill": {"deep": [1]}}],
            "by_name": {"x": {"radius": 3, "edge": None}},
        }
    )
    expected = {"colour", "circles.1.fill", "by_name.x.edge"}
    assert set(messages(body)) == expected
    assert body.model_dump() == {
        "name": "a",
        "circles": ({"radius": 1.0}, {"radius": 2.0}),
        "by_name": {"x": {"radius": 3.0}},
        "either": None,
        "any_mark": None,
        "few": [],
    }


def test_a_member_of_a_tagged_union_forgives_too():
    line = {"mark": "line", "start": 1, "at": 2}
    body = Order.model_validate({"name": "a", "either": line})
    assert body.either == Line(mark="line", start=1)
    assert messages(body) == ["either.at"]


def test_a_union_without_a_tag_knows_the_fields_of_all_its_members():
    box = {"sides": [{"radius": 1, "fill": 2}], "edge": 3}
    body = Order.model_validate({"name": "a", "any_mark": box})
    assert set(messages(body)) == {"any_mark.edge", "any_mark.sides.0.fill"}


def test_a_name_that_is_known_and_does_not_belong_there_is_left_to_be_refused():
    with pytest.raises(ValidationError) as refused:
        Order.model_validate({"name": "a", "any_mark": {"radius": 1, "colour": "red"}})
    assert "colour" in {error["loc"][-1] for error in refused.value.errors()}


def test_a_list_that_is_too_long_is_not_looked_through():
    with pytest.raises(ValidationError) as refused:
        Order.model_validate({"name": "a", "few": [{"radius": 1, "fill": 2}] * 1000})
    assert [error["type"] for error in refused.value.errors()] == ["too_long"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": 5, "colour": "red"},
        {"colour": "red"},
        {"name": "a", "circles": [{"radius": "wide", "fill": 1}]},
        {"name": "a", "circles": [{"radius": float("nan"), "fill": 1}]},
    ],
)
def test_what_is_known_stays_strict_beside_what_is_not(wrong):
    with pytest.raises(ValidationError) as refused:
        Order.model_validate(wrong)
    assert {error["type"] for error in refused.value.errors()}.isdisjoint({"extra_forbidden"})


@pytest.mark.parametrize("value", [None, [], "text", 5])
def test_a_body_that_is_no_object_is_refused(value):
    with pytest.raises(ValidationError):
        Order.model_validate(value)


def test_warnings_are_so_many_at_most_and_names_so_long():
    asked = {"name": "a"} | {f"field{n}": n for n in range(WARNINGS_MAX + 5)}
    body = Order.model_validate(asked | {"x" * 10_000: 1})
    assert len(body.warnings) == WARNINGS_MAX + 1
    assert body.warnings[-1]["message"].startswith("6 more fields")
    assert max(len(each["message"]) for each in body.warnings) < 300


def test_a_callers_own_body_is_left_as_it_was():
    asked = {"name": "a", "circles": [{"radius": 1, "fill": 2}], "colour": "red"}
    Order.model_validate(asked)
    assert asked == {"name": "a", "circles": [{"radius": 1, "fill": 2}], "colour": "red"}


def test_warnings_stand_behind_those_an_answer_has():
    body = Order.model_validate({"name": "a", "colour": "red"})
    answer = body.beside({"warnings": [{"code": "old", "message": "x"}]})
    assert [each["code"] for each in answer["warnings"]] == ["old", "unknown_field"]


def test_a_broken_rule_keeps_its_code_when_fields_were_dropped():
    class Ruled(ForgivingBody):
        """Refuses everything."""

        name: str

        def model_post_init(self, _):
            raise Rule("never", "never")

    with pytest.raises(ValidationError) as refused:
        Ruled.model_validate({"name": "a", "colour": "red"})
    (error,) = refused.value.errors()
    assert error["ctx"]["error"].code == "never"
