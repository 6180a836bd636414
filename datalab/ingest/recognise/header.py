"""Whether the first record of a file names the columns; docs/spec/portal.md#2-states has the rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

_WORD = re.compile(r"[^\W\d_][\w \-]*")
_NOT_LETTERS = re.compile(r"[\W_]+")
_LONGEST_NAME = 40
_ID = "id|nr|no|number|nummer|numero|num|key|code|hash|hashed|identifier|identifiant|pseudonym|kennung"
_USER = (
    "users?|uid|uuid|customers?|cust|clients?|visitors?|members?|subscribers?|readers?|persons?|people|accounts?"
    "|profiles?|contacts?|consumers?|kunden?|nutzer|benutzer|besucher|mitglied|leser|abonnenten?|konto"
    "|utilisateurs?|usagers?|abonnes?|lecteurs?|visiteurs?|usuarios?|clientes?|utenti?|lettori?|abbonati?"
    "|gebruikers?|klant(?:en)?|lezers?|bezoekers?|crm|publisher|first|party|the|of|de|fp|pub|external|internal|my"
)
_USER_NAME = re.compile(rf"(?:{_USER}|{_ID})+")
_OTHER_NAME = re.compile(
    r"(?:segments?|segmente|segmentos?|segmenti|audiences?|zielgruppen?|interests?|interessen?|categor(?:y|ies|ie)"
    r"|kategorien?|ages?|alter|altersgruppen?|edad|eta|leeftijd|genders?|sex|geschlecht|genre|sexe|sexo|genere"
    r"|geslacht|scopes?|embeddings?|vectors?|vektor|e|v|f|x|dim|feature|emails?|mails?|phones?|telefon|maids?|idfa"
    rf"|aaid|gaid|types?|typ|values?|wert|name|names?|group|range|band|bracket|gruppe|{_ID}|[0-9])+"
)
_SHAPES = ((re.compile(r"[^\W\d_]+"), "a"), (re.compile(r"\d+"), "9"))


def is_header(first: Sequence[str], column: Callable[[int], Sequence[str]], typed: Callable[[], Sequence[int]]) -> bool:
    """Return whether the first record of a file names the columns.

    Args:
        first: the first record.
        column: returns the values of a column in the other records, without those equal to the first record.
        typed: returns the columns whose values have a type that their cell of the first record does not have.

    >>> rows = [["u1", "sport"], ["u2", "food"]]
    >>> is_header(["User ID", "Segment"], lambda number: [row[number] for row in rows], list)
    True
    """
    cells = [cell.strip().strip("\ufeff") for cell in first]
    if not cells or not all(_WORD.fullmatch(cell) for cell in cells):
        return False
    others = column(0)
    if first[0] in others:
        return False
    if any(_has_shape_of(cell, column(number)) for number, cell in enumerate(cells)):
        return False
    if _is_name(cells[0], _USER_NAME):
        return True
    if any(cell in column(number) for number, cell in enumerate(first)):
        return False
    is_like_names = len(cells) > 1 and all(_is_name(cell, _OTHER_NAME) for cell in cells[1:])
    return is_like_names or bool(typed())


def names_users(cell: str) -> bool:
    """Return whether a cell is a name of a column of user ids.

    >>> names_users("Kundennummer"), names_users("usr1000x")
    (True, False)
    """
    return _is_name(cell, _USER_NAME)


def _is_name(cell: str, name: re.Pattern[str]) -> bool:
    return len(cell) <= _LONGEST_NAME and name.fullmatch(_NOT_LETTERS.sub("", cell).lower()) is not None


def _has_shape_of(cell: str, others: Sequence[str]) -> bool:
    """Return whether a cell with digits is made like most of the others: then it is a value."""
    shape = _shape(cell)
    few = others[: 1 << 10]
    return "9" in shape and 2 * sum(_shape(other) == shape for other in few) > len(few)


def _shape(cell: str) -> str:
    for pattern, letter in _SHAPES:
        cell = pattern.sub(letter, cell)
    return cell
