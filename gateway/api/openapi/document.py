"""The OpenAPI document of an application: its signatures, and what is said of its routes.

Paths, parameters and request bodies come from the routes as they are; everything else is
said in `operations/`. Nothing is taken from what routes declare to return.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import iter_route_contexts

from gateway.api.faces import V1, Face, Faces
from gateway.api.openapi import kind_requests, prose
from gateway.api.openapi.answers import ERROR_MODELS, HEADERS, answers_of, refusals_of
from gateway.api.openapi.components import (
    REF,
    Components,
    Model,
    models_in,
    opened,
    reachable,
    renamed,
    untitled_each,
)
from gateway.api.openapi.operation import Operation
from gateway.api.openapi.operations import described
from gateway.api.openapi.requests import body_of, parameters_of, security_of
from gateway.api.use_cases import JobUseCases

VERSION: Final = "3.1.0"
SUBMIT: Final = "submit_job"
_WITH_BODY: Final = frozenset({"post", "put", "patch"})
# Names of classes that say too little, or too much, outside their module.
_WORDS: Final = {
    "Status": "JobStatus",
    "Who": "WhoseMove",
    "Word": "ExportStatus",
    "OverlayAsked": "OverlayExportRequest",
    "FramingAsked": "FramingExportRequest",
    "JobAsked": "ExportJobRequest",
    "UploadUrlAsked": "ExportUploadRequest",
    "ProjectAsked": "ExportProjectRequest",
    "ClipAsked": "ExportClipRequest",
}


def document_of(app: FastAPI) -> dict[str, Any]:
    """Return the document; a route that nobody described is shown by its signature alone."""
    raw = get_openapi(
        title=app.title,
        version=app.version,
        openapi_version=VERSION,
        description=prose.ABOUT,
        routes=app.routes,
    )
    names, said = route_names(app), described()
    cases: JobUseCases = app.state.job_use_cases
    there = [said[name] for name in names.values() if name in said]
    components = Components(
        taken=[*_taken(there), *(kind.input for kind in cases.kinds.values())],
        given=[*ERROR_MODELS, *_given(there)],
    )
    theirs = untitled_each(raw.get("components", {}).get("schemas", {}))
    faces = faces_of(app)
    paths: dict[str, Any] = {}
    for path, method, shown in _each_operation(raw["paths"]):
        name = names[(method, path)]
        whole = _operation(method, shown, said.get(name), faces.of(path), components)
        paths.setdefault(path, {})[method] = {**whole, "operationId": name}
    components.add(_asked(raw["paths"], theirs, components.schemas, faces))
    _type_submissions(paths, cases.kinds, components)
    return _whole(raw["info"], paths, _new_names(cases.kinds, components), components)


def route_names(app: FastAPI) -> dict[tuple[str, str], str]:
    """Return the function's name of each route that is shown, by method and path."""
    return {
        (method.lower(), context.path_format or ""): context.name or ""
        for context in iter_route_contexts(app.routes)
        if getattr(context.original_route, "include_in_schema", False)
        for method in context.methods or ()
    }


def faces_of(app: FastAPI) -> Faces:
    """Return how each surface words its errors, as the front desk was told."""
    told = (each.kwargs.get("faces") for each in app.user_middleware)
    return next((faces for faces in told if isinstance(faces, Faces)), Faces())


def _each_operation(paths: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in paths.items():
        for method, shown in methods.items():
            yield path, method, shown


def _asked(
    paths: Mapping[str, Any], theirs: Mapping[str, Any], known: Container[str], faces: Faces
) -> dict[str, Any]:
    """Return the schemas requests need; those of products alone are open, as they forgive.

    What is `known` is a kind's, and as strict as `/v1` holds it.
    """
    strict: list[Any] = []
    forgiving: list[Any] = []
    for path, _, shown in _each_operation(paths):
        parts = strict if faces.of(path) is V1 else forgiving
        parts += [shown.get("parameters", []), shown.get("requestBody", {})]
    own = {
        name: opened(schema)
        for name, schema in reachable(forgiving, theirs).items()
        if name not in known
    }
    return {**own, **reachable(strict, theirs)}


def _taken(said: Iterable[Operation]) -> Iterator[Model]:
    for each in said:
        yield from models_in(each.body_model)


def _given(said: Iterable[Operation]) -> Iterator[Model]:
    for each in said:
        for answer in each.answers:
            yield from models_in([content.model for content in answer.contents])


def _operation(
    method: str,
    shown: dict[str, Any],
    said: Operation | None,
    face: Face,
    components: Components,
) -> dict[str, Any]:
    """Return one operation, described; by its signature alone where nobody described it."""
    if said is None:
        answers = {"default": {"description": "Not described.", "headers": {}}}
        return {"tags": [], "description": "", "security": [], **shown, "responses": answers}
    parameters = parameters_of(shown.get("parameters", []), said)
    body = body_of(shown.get("requestBody"), said, components)
    refused = refusals_of(
        said,
        has_body=method in _WITH_BODY,
        has_input=any(each["in"] != "path" for each in parameters),
        has_path=any(each["in"] == "path" for each in parameters),
    )
    found: dict[str, Any] = {
        "tags": [said.tag],
        "summary": said.summary,
        "description": said.says,
        "security": security_of(said.access),
    }
    if parameters:
        found["parameters"] = parameters
    if body:
        found["requestBody"] = body
    return {**found, "responses": answers_of(said, refused, face, components)}


def _type_submissions(
    paths: dict[str, Any], kinds: kind_requests.Kinds, components: Components
) -> None:
    """Put a request for each kind where any kind's is taken."""
    for _, _, operation in _each_operation(paths):
        if operation["operationId"] == SUBMIT:
            content = operation["requestBody"]["content"]["application/json"]
            request = components.schemas[content["schema"]["$ref"].removeprefix(REF)]
            kind_requests.add_requests(kinds, request, components)
            content["schema"] = kind_requests.one_of(kinds)
            content["examples"] = {
                name: {"value": each}
                for name, each in kind_requests.request_examples(kinds).items()
            }


def _new_names(kinds: kind_requests.Kinds, components: Components) -> dict[str, str]:
    return {**_WORDS, **kind_requests.input_names(kinds, components)}


def _whole(
    info: dict[str, Any], paths: dict[str, Any], names: dict[str, str], components: Components
) -> dict[str, Any]:
    """Put the parts together, with the schemas that are referred to and no others."""

    def new_name(name: str) -> str:
        return names.get(name, name)

    used = reachable(paths, components.schemas)
    schemas = {new_name(name): schema for name, schema in used.items()}
    tags = {tag for _, _, operation in _each_operation(paths) for tag in operation["tags"]}
    parts = {
        "openapi": VERSION,
        "info": {**info, "license": {"name": "MIT", "identifier": "MIT"}},
        "servers": [{"url": "/", "description": "The gateway that serves this document."}],
        "tags": [
            {"name": name, "description": prose.tag_text(name)}
            for name in prose.TAGS
            if name in tags
        ],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "headers": dict(HEADERS),
            "securitySchemes": dict(prose.SCHEMES),
        },
    }
    whole: dict[str, Any] = renamed(parts, new_name)
    return whole
