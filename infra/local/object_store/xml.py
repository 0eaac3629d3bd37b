"""The XML that S3 speaks: a few documents out, two small ones in."""

from collections.abc import Iterable
from urllib.parse import quote
from xml.etree import ElementTree as ET

from infra.local.object_store.listing import ListQuery, Page
from infra.local.object_store.refusal import Refusal
from infra.local.object_store.sealed import Record

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'

Node = tuple[str, "str | list[Node]"]


def document(name: str, nodes: Iterable[Node]) -> bytes:
    """Return a document; text in it is escaped."""
    root = ET.Element(name, xmlns=_NAMESPACE)
    _append(root, nodes)
    return _DECLARATION + ET.tostring(root)


def error_document(refusal: Refusal) -> bytes:
    """Return what tells a client why it was refused."""
    root = ET.Element("Error")  # S3's errors have no namespace
    _append(root, [("Code", refusal.code), ("Message", refusal.message)])
    return _DECLARATION + ET.tostring(root)


def list_document(bucket: str, asked: ListQuery, page: Page, *, url_encoded: bool) -> bytes:
    """Return a page of a listing; with `url_encoded` names are percent-encoded."""

    def name(text: str) -> str:
        return quote(text, safe="/") if url_encoded else text

    nodes: list[Node] = [
        ("Name", bucket),
        ("Prefix", name(asked.prefix)),
        ("Delimiter", name(asked.delimiter)),
        ("MaxKeys", str(asked.max_keys)),
        ("KeyCount", str(len(page.records) + len(page.prefixes))),
        ("IsTruncated", "false" if page.next_token is None else "true"),
        *((("EncodingType", "url"),) if url_encoded else ()),
        *((("NextContinuationToken", page.next_token),) if page.next_token else ()),
    ]
    nodes += [("Contents", _contents(each, name(each.key))) for each in page.records]
    nodes += [("CommonPrefixes", [("Prefix", name(each))]) for each in page.prefixes]
    return document("ListBucketResult", nodes)


def parts_document(
    bucket: str, key: str, upload_id: str, parts: Iterable[tuple[int, Record]]
) -> bytes:
    """Return the parts of an upload; all of them, since 10,000 fit in one answer."""
    nodes: list[Node] = [
        ("Bucket", bucket),
        ("Key", key),
        ("UploadId", upload_id),
        ("IsTruncated", "false"),
    ]
    nodes += [
        (
            "Part",
            [
                ("PartNumber", str(number)),
                ("LastModified", _instant(part)),
                ("ETag", f'"{part.etag}"'),
                ("Size", str(part.size_bytes)),
            ],
        )
        for number, part in parts
    ]
    return document("ListPartsResult", nodes)


def read_complete(body: bytes) -> list[tuple[int, str]]:
    """Return the parts (number, etag) that a CompleteMultipartUpload names."""
    parts = []
    for part in _parsed(body).iterfind("{*}Part"):
        number, etag = part.findtext("{*}PartNumber", ""), part.findtext("{*}ETag", "")
        if not number.isascii() or not number.isdecimal():
            raise _malformed()
        parts.append((int(number), etag.strip('"')))
    return parts


def read_delete(body: bytes) -> tuple[list[str], bool]:
    """Return the keys that a DeleteObjects names, and whether it wants no word of them."""
    root = _parsed(body)
    keys = [each.findtext("{*}Key", "") for each in root.iterfind("{*}Object")]
    return keys, root.findtext("{*}Quiet", "").strip() == "true"


def _contents(record: Record, name: str) -> list[Node]:
    return [
        ("Key", name),
        ("LastModified", _instant(record)),
        ("ETag", f'"{record.etag}"'),
        ("Size", str(record.size_bytes)),
        ("StorageClass", "STANDARD"),
    ]


def _instant(record: Record) -> str:
    return f"{record.modified_at:%Y-%m-%dT%H:%M:%S.000Z}"


def _append(parent: ET.Element, nodes: Iterable[Node]) -> None:
    for name, content in nodes:
        child = ET.SubElement(parent, name)
        if isinstance(content, str):
            child.text = content
        else:
            _append(child, content)


def _parsed(body: bytes) -> ET.Element:
    try:
        # Signed by somebody who holds the keys, small, and expat bounds what expands.
        return ET.fromstring(body)  # noqa: S314
    except ET.ParseError as error:
        raise _malformed() from error


def _malformed() -> Refusal:
    return Refusal(400, "MalformedXML", "The XML is not what this operation takes.")
