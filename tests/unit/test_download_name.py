"""Names for downloads: what a browser saves, and what never reaches its header."""

import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.download_name import MAX_NAME_CHARACTERS, attachment

names = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("clip.mp4", 'attachment; filename="clip.mp4"'),
        ("my clip.mp4", 'attachment; filename="my clip.mp4"'),
        ("C:\\films\\clip.mp4", 'attachment; filename="clip.mp4"'),
        ("../../etc/passwd", 'attachment; filename="passwd"'),
        ('a"; x=".exe', 'attachment; filename="a__ x=_.exe"'),
        ("a\r\nSet-Cookie: b", 'attachment; filename="aSet-Cookie_ b"'),
        ("", 'attachment; filename="download"'),
        ("..", 'attachment; filename="download"'),
        ("é.mp4", "attachment; filename=\"e.mp4\"; filename*=UTF-8''%C3%A9.mp4"),
        ("\u0301", "attachment; filename=\"download\"; filename*=UTF-8''%CC%81"),
        ("漢.mp4", "attachment; filename=\"_.mp4\"; filename*=UTF-8''%E6%BC%A2.mp4"),
        ("gnp\u202e4pm.exe", 'attachment; filename="gnp4pm.exe"'),
    ],
)
def test_a_name_is_made_safe(name: str, header: str) -> None:
    assert attachment(name) == header


@given(names)
def test_no_name_breaks_out_of_its_header(name: str) -> None:
    header = attachment(name)
    assert re.fullmatch(
        r"""attachment; filename="[^"\\/;%\x00-\x1f\x7f]+\""""
        r"""(; filename\*=UTF-8''[\w%.!#$&+^`|~-]+)?""",
        header,
        re.ASCII,
    )


@given(names)
def test_a_name_is_bounded_and_keeps_its_suffix(stem: str) -> None:
    header = attachment("a" + stem.replace(".", "") * 200 + "a.mp4")
    (ascii_name,) = re.findall(r'filename="(.*?)"', header)
    assert ascii_name.endswith(".mp4")
    (name,) = re.findall(r"filename\*=UTF-8''(.*)", header) or [ascii_name]
    assert len(unquote(name)) <= MAX_NAME_CHARACTERS
