"""The head of an answer, byte for byte."""

import pytest

from provisioner.web.sending import closing, given, opening


def test_a_head_is_begun_with_what_is_told_of_the_file() -> None:
    said = {"Content-Length": "5", "ETag": '"e"', "Set-Cookie": "no", "Location": "http://other.test/"}

    assert opening(206, given(said)).decode().split("\r\n") == [
        "HTTP/1.1 206 Partial Content",
        "Content-Length: 5",
        'ETag: "e"',
        "Server: provisioner",
        "X-Content-Type-Options: nosniff",
        "Content-Security-Policy: default-src 'none'; sandbox",
        "",
    ]


def test_its_end_is_the_date_and_an_empty_line() -> None:
    assert closing().startswith(b"Date: ")
    assert closing().endswith(b" GMT\r\n\r\n")


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: x", "a\nb", "a\rb", "a\0b"])
def test_an_upstream_s_header_with_a_line_break_is_no_header(value: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        opening(200, {"ETag": value})
