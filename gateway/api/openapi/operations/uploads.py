"""What is said of the routes of uploads and assets."""

from types import MappingProxyType

from gateway.api.openapi import examples, refusals
from gateway.api.openapi.models import Asset, SignedParts, Upload
from gateway.api.openapi.operation import Access, Answer, Examples, Operation, ok

_CREATE = """\
Says what is about to be put, and gets a URL that takes exactly that: type, length and, where \
given, hash are signed, and so is `If-None-Match: *`, so that a URL writes one object once. \
PUT the file to `url` with `headers` exactly as given, then complete the upload. A 412 from \
the bucket means that the object is already there: go on to complete.

A large file may go in parts: promise it with `"multipart": true`, sign the parts you are \
about to put, put each, keep the `ETag` the bucket answers, and complete with the list. A \
break costs one part: read the upload to learn which have arrived.

The `ticket` lets a browser complete, read or abort this upload without an API key."""

OPERATIONS = MappingProxyType(
    {
        "create_upload": Operation(
            tag="uploads",
            access=Access.UPLOADS,
            summary="Promise a file",
            says=_CREATE,
            answers=(
                ok(
                    "The upload, with its URL.",
                    Upload,
                    Examples(one_put=examples.UPLOAD, in_parts=examples.IN_PARTS),
                    status=201,
                    headers=("Location",),
                ),
            ),
            refusals=(refusals.UPLOAD_TOO_LARGE, refusals.QUOTA_EXCEEDED),
            body={
                "one_put": examples.UPLOAD_REQUEST,
                "in_parts": {**examples.UPLOAD_REQUEST, "multipart": True},
            },
        ),
        "read_upload": Operation(
            tag="uploads",
            access=Access.UPLOAD_TICKET,
            summary="Read an upload",
            says="While it is pending its URL is signed anew, never beyond `expires_at`. Of "
            "one in parts it tells which have arrived, so that you can go on where you were.",
            answers=(
                ok(
                    "The upload.",
                    Upload,
                    Examples(
                        pending=examples.UPLOAD,
                        in_parts=examples.IN_PARTS,
                        complete=examples.COMPLETE_UPLOAD,
                    ),
                ),
            ),
        ),
        "sign_upload_parts": Operation(
            tag="uploads",
            access=Access.UPLOAD_TICKET,
            summary="Sign parts",
            says="A URL for each of these parts, good until the upload expires. Sign a few "
            "ahead of those you put; a part may be signed and put again.",
            answers=(ok("The URLs.", SignedParts, examples.SIGNED_PARTS),),
            refusals=(
                refusals.NOT_MULTIPART,
                refusals.UPLOAD_ABORTED,
                refusals.ALREADY_COMPLETE,
                refusals.UPLOAD_EXPIRED,
            ),
            body={"two": {"part_numbers": [2, 3]}},
        ),
        "complete_upload": Operation(
            tag="uploads",
            access=Access.UPLOAD_TICKET,
            summary="Complete an upload",
            says="Looks at what was put: its size, and its type by the first bytes. Of one "
            "in parts, name every part, in order. The answer is the asset; repeated or raced, "
            "the same one.",
            answers=(ok("The asset.", Asset, examples.ASSET),),
            refusals=(
                refusals.ASSET_NOT_FOUND,
                refusals.OBJECT_MISSING,
                refusals.UPLOAD_ABORTED,
                refusals.SIZE_MISMATCH,
                refusals.TYPE_MISMATCH,
            ),
            body={
                "one_put": {},
                "in_parts": {
                    "parts": [
                        {"part_number": 1, "etag": "7d793037a0760186574b0282f2f435e7"},
                        {"part_number": 2, "etag": "9b74c9897bac770ffc029102a200c5de"},
                    ]
                },
            },
        ),
        "abort_upload": Operation(
            tag="uploads",
            access=Access.UPLOAD_TICKET,
            summary="Abort an upload",
            says="Calls it off and removes what was put. Repeating it is harmless.",
            answers=(Answer(204, "It is aborted."),),
            refusals=(refusals.ALREADY_COMPLETE,),
        ),
        "read_asset": Operation(
            tag="assets",
            access=Access.READ,
            summary="Read an asset",
            says="Size and type are known from the start; `sha256` and `probe` come when a "
            "worker has seen the file.",
            answers=(ok("The asset.", Asset, examples.ASSET),),
            finds=refusals.ASSET_NOT_FOUND,
        ),
        "download_asset": Operation(
            tag="assets",
            access=Access.READ,
            summary="Download an asset",
            says="Goes on to a presigned GET that saves under the name the file was uploaded "
            "with. Follow it without the API key: the URL carries its own permission.",
            answers=(Answer(307, "Read on at `Location`.", headers=("Location",)),),
            finds=refusals.ASSET_NOT_FOUND,
        ),
        "delete_asset": Operation(
            tag="assets",
            access=Access.UPLOADS,
            summary="Delete an asset",
            says="Removes the asset and its object.",
            answers=(Answer(204, "It is gone."),),
            refusals=(refusals.ASSET_IN_USE,),
            finds=refusals.ASSET_NOT_FOUND,
        ),
    }
)
