"""Bodies that are wrong as a whole, sent to every route that reads one."""

import pytest

from tests.attack.refusals import told
from tests.attack.sending import all_asked, asked, good
from tests.attack.tables import bodies_s4, bodies_v1, bodies_work
from tests.attack.tables.documents import EVERYWHERE, TOO_MANY, UNKNOWN


def one_of_each(routes):
    """Return one of the routes that share an address: it is read in the same way."""
    return list({(each.method, each.path): each for each in routes}.values())


STRICT = one_of_each([*bodies_v1.ROUTES, *bodies_work.ROUTES])
FORGIVING = one_of_each(bodies_s4.ROUTES)


def named(route):
    return route.name


def refused(target, route, documents):
    body = good(target, route)
    answers = all_asked(target, route, (each.of(body) for each in documents))
    return {each.label: told(answer) for each, answer in zip(documents, answers, strict=True)}


def by_field(documents):
    return {each.label: (422, "validation_failed", each.named) for each in documents}


@pytest.mark.parametrize("route", [*STRICT, *FORGIVING], ids=named)
def test_what_cannot_be_a_body_is_refused_before_anything_is_written(target, route):
    before = target.written()
    assert refused(target, route, EVERYWHERE) == by_field(EVERYWHERE)
    assert target.written() == before


@pytest.mark.parametrize("route", STRICT, ids=named)
def test_v1_refuses_what_it_does_not_know(target, route):
    before = target.written()
    documents = (*UNKNOWN, TOO_MANY)
    assert refused(target, route, documents) == by_field(documents)
    assert target.written() == before


@pytest.mark.parametrize("route", FORGIVING, ids=named)
def test_d146_a_product_ignores_what_it_does_not_know_and_says_so(target, route):
    for each in UNKNOWN:
        answer = asked(target, route, each.of(good(target, route)))
        assert answer.status in {200, 202}, (each.label, answer.body)
        first = answer.json()["warnings"][0]
        assert first["code"] == "unknown_field"
        assert each.named.removesuffix("body") in first["message"]


def test_a_hundred_thousand_unknown_fields_are_counted_and_not_listed(target):
    [route] = [each for each in FORGIVING if each.name == "S4-10"]
    many = b",".join(b'"a%d": 0' % n for n in range(100_000))
    answer = asked(target, route, b"{" + many + b", " + good(target, route)[1:])
    assert answer.status == 200
    assert len(answer.json()["warnings"]) == 51
    assert answer.json()["warnings"][-1]["message"].startswith("99950 more")
