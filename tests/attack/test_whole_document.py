"""Everything the document allows is asked, and much that it forbids: answers keep to it.

Cases come from the document alone, so a new route or field is asked without a word here.
"""

import copy
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.attack.walk import NUMBERS

DOCUMENT = json.loads(Path("docs/openapi.json").read_text())
# Left out: that what fits the schema is taken, for a file of that name may not be there; and
# what changes the method or the credentials, for which `test_credentials.py` has tables.
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
# The products' routes pass over what they do not know.
LENIENT = "/api/"
SPOKEN = frozenset({"/v1/work/{job_id}/outputs", "/v1/work/{job_id}/reports"})
# As many as reach what an operation answers, but for a handful that the tables ask for.
CASES = {GenerationMode.POSITIVE: 6, GenerationMode.NEGATIVE: 4}
EVER = {"GET /healthz", "GET /readyz"}  # there is no wrong way to ask


def operations(document: dict[str, Any]) -> dict[str, Any]:
    """Return the operations by name; what removes comes last."""
    schema = schemathesis.openapi.from_dict(document)
    found = [each.ok() for each in schema.get_all_operations()]
    found.sort(key=lambda each: each.method.upper() == "DELETE")
    return {f"{each.method.upper()} {each.path}": each for each in found}


OPERATIONS = operations(DOCUMENT)


def standing(target, path: str) -> dict[str, str]:
    """Return what there is, by the name of a parameter or of a reference's field."""
    has = target.has
    jobs = {"/v1/work/{job_id}/claim": has.waiting_id} | dict.fromkeys(SPOKEN, has.running_id)
    return {
        "job_id": jobs.get(path, has.done_id),
        "upload_id": has.upload_id,
        "asset_id": has.asset_id,
        **NUMBERS,
    }


def credentials(target, path: str) -> dict[str, str]:
    """Return the header of whoever asks this: the tenant, or a worker."""
    name, value = target.key()
    if path == "/v1/work/{job_id}/claim":
        value = f"Bearer {target.has.submission_token}"
    if path in SPOKEN:
        value = f"Bearer {target.has.worker.order.token}"
    return {name: value}


def pointed(value: Any, there: dict[str, str]) -> Any:
    """Return a body whose references name what is there, if they are texts."""
    if isinstance(value, dict):
        return {
            name: there[name]
            if name in there and isinstance(each, str)
            else pointed(each, there)
            for name, each in value.items()
        }
    return [pointed(each, there) for each in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def line() -> Iterator[requests.Session]:
    """One connection for all, that asks nobody else."""
    with requests.Session() as line:
        line.trust_env = False
        yield line


def asked(target, line, operation, mode: GenerationMode) -> Counter[int]:
    """Ask so many cases, and return how often each status was the answer."""
    statuses: Counter[int] = Counter()
    headers = credentials(target, operation.path)
    there = standing(target, operation.path)
    strict = not operation.path.startswith(LENIENT)
    checks = [each for each in CHECKS if strict or each is not negative_data_rejection]

    @settings(
        max_examples=CASES[mode],
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), here=st.booleans())
    def ask(case, here: bool) -> None:
        if here:
            for parameter in set(case.path_parameters or ()) & set(there):
                case.path_parameters[parameter] = there[parameter]
            case.body = pointed(case.body, there)
        without_waiting(case)
        answer = case.call(
            base_url=target.base_url,
            session=line,
            headers=headers,
            timeout=20,
            allow_redirects=False,
        )
        statuses[answer.status_code] += 1
        case.validate_response(answer, checks=checks, headers=headers)

    ask()
    return statuses


def without_waiting(case) -> None:
    """Streams and waits have tests of their own, with a clock in the hand."""
    for header in ("Prefer", "Accept"):
        (case.headers or {}).pop(header, None)
    if "wait_s" in (case.query or {}):
        case.query["wait_s"] = 0


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_the_document_allows_is_answered_as_it_says(target, line, name):
    assert asked(target, line, OPERATIONS[name], GenerationMode.POSITIVE).total() > 0


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name not in EVER])
def test_what_the_document_forbids_is_refused_as_it_says(target, line, name):
    assert asked(target, line, OPERATIONS[name], GenerationMode.NEGATIVE).total() > 0


@pytest.mark.parametrize(
    ("spoilt", "why"),
    [
        (("responses", "200", "content", "application/json", "schema"), "schema"),
        (("responses", "200", "headers"), "header"),
        (("responses",), "status"),
    ],
)
def test_an_answer_that_does_not_keep_to_its_document_is_seen(target, line, spoilt, why):
    document = copy.deepcopy(DOCUMENT)
    at = document["paths"]["/v1/kinds"]["get"]
    *way, last = spoilt
    for step in way:
        at = at[step]
    at[last] = {
        "schema": {"type": "array"},
        "header": {"X-Never": {"required": True, "schema": {"type": "string"}}},
        "status": {"418": {"description": "a teapot"}},
    }[why]
    with pytest.raises(FailureGroup, match=r"(?i)" + why):
        asked(target, line, operations(document)["GET /v1/kinds"], GenerationMode.POSITIVE)
