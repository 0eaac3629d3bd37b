"""What is said of the routes of kinds."""

from types import MappingProxyType

from gateway.api.openapi.models import Kinds
from gateway.api.openapi.operation import Access, Operation, ok

_EXAMPLE = {
    "kinds": [
        {
            "name": "export.framing",
            "version": 1,
            "description": "Cuts a video in time and crops it along keyframes.",
            "compute": "gpu",
            "stages": ["prepare", "render", "upload", "persist"],
            "input_schema": {"type": "object", "properties": {"source": {"type": "object"}}},
            "output_schema": {"type": "object", "properties": {"frames": {"type": "integer"}}},
            "limits": {"crop_keyframes": 10000},
            "price": {"basis": "video duration × pixels of the output"},
        }
    ]
}

OPERATIONS = MappingProxyType(
    {
        "list_kinds": Operation(
            tag="kinds",
            access=Access.READ,
            summary="List kinds of work",
            says="Every sort of work on offer, with the JSON Schema of its input and of its "
            "result, its stages in order, its limits and how it is priced. What a form for a "
            "job needs to know is here.",
            answers=(ok("All kinds, in order of name.", Kinds, _EXAMPLE),),
        ),
    }
)
