"""Whether bytes are one JSON document or the beginning of one; it builds no value and knows no CSV."""

from __future__ import annotations

import math
import re

MAX_DEPTH = 127
"""Deeper nesting is not JSON."""

# Surrogate escapes count only in pairs; possessive quantifiers keep the matching linear.
_CHARACTERS = (
    rb"(?:[^\"\\\x00-\x1f]++"
    rb"|\\[\"\\/bfnrt]"
    rb"|\\u(?![dD][89a-fA-F])[0-9a-fA-F]{4}"
    rb"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})*+"
)
_WHITESPACE = re.compile(rb"[ \t\n\r]*+")
_STRING = re.compile(rb"\"" + _CHARACTERS + rb"\"")
_OPEN_STRING = re.compile(rb"\"" + _CHARACTERS)
# What may follow the last whole character of a string that is cut off at the end of the input. The four digits of
# an escape are checked only if all of them are present.
_CUT_ESCAPE = re.compile(rb"(?:\\(?:u.{0,3})?|\\u[dD][89abAB][0-9a-fA-F]{2}(?:\\(?:u.{0,3})?)?)?", re.DOTALL)
_NUMBER = re.compile(rb"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?")
_CUT_NUMBER = re.compile(rb"-|-?(?:0|[1-9][0-9]*+)(?:\.|(?:\.[0-9]++)?[eE][+-]?)")
# Any number of plain values of an array, each with the comma behind it: these need no further parsing.
_PLAIN_ITEMS = re.compile(
    rb"(?:[ \t\n\r]*+"
    rb"(?:-?(?:0|[1-9][0-9]{0,99}+)(?:\.[0-9]{1,99}+)?|\"[^\"\\\x00-\x1f]*+\"|true|false|null)"
    rb"[ \t\n\r]*+,)*+"
)
_LITERALS = (b"true", b"false", b"null")
_LONGEST_SAFE_NUMBER = 300


class _NotJsonError(Exception):
    pass


class _CutError(Exception):
    """The input ended inside the document; `position` is where the token that was cut off begins."""

    def __init__(self, position: int) -> None:
        self.position = position


def is_json_prefix(data: bytes) -> bool:
    """Return whether `data` is a JSON object or array, whole or cut off at its end.

    See docs/spec/validation.md#42-json-test.

    Bytes of a string that is cut off are not checked to be UTF-8, all others are.

    >>> is_json_prefix(b'{"a": [1, 2'), is_json_prefix(b'{"a": 1}, 2')
    (True, False)
    """
    start = _skip_whitespace(data, 0)
    if data[start : start + 1] not in (b"{", b"["):
        return False
    try:
        checked = _document_end(data, start)
    except _NotJsonError:
        return False
    except _CutError as cut:
        checked = cut.position
    try:
        data[:checked].decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _document_end(data: bytes, position: int) -> int:
    """Walk over one value and the whitespace behind it; the stack holds the closing character of each level."""
    closers: list[int] = []
    while True:
        position = _value(data, position, closers)
        while True:
            position = _skip_whitespace(data, position)
            if not closers:
                if position != len(data):
                    raise _NotJsonError
                return position
            character = _character(data, position)
            position += 1
            if character == closers[-1]:
                closers.pop()
            elif character == 0x2C:  # a comma
                position = _skip_whitespace(data, position)
                break
            else:
                raise _NotJsonError
        if closers[-1] == 0x7D:
            position = _key(data, position)
        else:
            position = _skip(_PLAIN_ITEMS, data, position)
            position = _skip_whitespace(data, position)


def _value(data: bytes, position: int, closers: list[int]) -> int:
    """Walk down to the first scalar or empty container and over it."""
    while True:
        character = _character(data, position)
        if character == 0x22:
            return _string(data, position)
        if character not in (0x5B, 0x7B):
            return _scalar(data, position)
        if len(closers) == MAX_DEPTH:
            raise _NotJsonError
        closers.append(character + 2)  # in ASCII the closing bracket is two after the opening one
        position = _skip_whitespace(data, position + 1)
        if _character(data, position) == closers[-1]:
            return position  # the caller pops the level
        if character == 0x7B:
            position = _key(data, position)


def _key(data: bytes, position: int) -> int:
    if _character(data, position) != 0x22:
        raise _NotJsonError
    position = _skip_whitespace(data, _string(data, position))
    if _character(data, position) != 0x3A:
        raise _NotJsonError
    return _skip_whitespace(data, position + 1)


def _string(data: bytes, position: int) -> int:
    if match := _STRING.match(data, position):
        return match.end()
    whole = _OPEN_STRING.match(data, position)
    if whole and _CUT_ESCAPE.fullmatch(data, whole.end()):
        raise _CutError(position)
    raise _NotJsonError


def _scalar(data: bytes, position: int) -> int:
    for literal in _LITERALS:
        if data.startswith(literal, position):
            return position + len(literal)
        if position + len(literal) > len(data) and literal.startswith(data[position:]):
            raise _CutError(position)
    if _CUT_NUMBER.fullmatch(data, position):
        raise _CutError(position)
    match = _NUMBER.match(data, position)
    if not match:
        raise _NotJsonError
    number = match.group()
    suspicious = len(number) > _LONGEST_SAFE_NUMBER or b"e" in number or b"E" in number
    if suspicious and math.isinf(float(number)):
        raise _NotJsonError
    return match.end()


def _skip_whitespace(data: bytes, position: int) -> int:
    return _skip(_WHITESPACE, data, position)


def _skip(pattern: re.Pattern[bytes], data: bytes, position: int) -> int:
    match = pattern.match(data, position)
    return match.end() if match else position


def _character(data: bytes, position: int) -> int:
    if position == len(data):
        raise _CutError(position)
    return data[position]
