"""Hypothesis strategies for hostile files of the four datasets and for identifier configurations; no test is here.

Values come from tiny alphabets, so that duplicates are frequent; pieces that readers of CSV disagree about come in
between well-formed rows. Some files hold a NUL or start like JSON: see `is_plain_text`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st


def values(text: str) -> list[str]:
    """The values that a text lists with broken bars in between."""
    return text.split("¦")


HEX = "0123456789abcdef" * 4
UUID = "01234567-89ab-cdef-0123-456789abcdef"
BLANK_CHARS = values(" ¦\t¦\v¦\f¦\u0085¦\u00a0¦\u2028¦\u2029¦\u3000¦\u1680¦\u200a¦\r")
ALMOST_BLANK_CHARS = values("\u200b¦\ufeff¦\x1c¦\x1f¦\u180e")
LINE_ENDS = ["\n"] * 6 + ["\r\n"] * 3 + values("\r¦\r\r\n¦\n\n¦\n\r¦\r\n\r\n¦\r\r¦\n \n¦\n\u3000\r\n")

GOOD_FLOATS = values(
    "0¦1¦-1¦+2¦1.¦.5¦007¦1e5¦1E-5¦-.5e+3¦1e400¦-1e400¦-0¦-0.0¦5e-324¦1e-400¦0.1¦nan¦-NaN¦+nan¦inf¦-Infinity¦+INF¦iNfInItY¦"
    "0.1000000000000000055511151231257827¦9007199254740993¦1.7976931348623159e308¦2.4703282292062328e-324¦" + "1" * 400
)
BAD_FLOATS = values(
    ".¦+¦-¦e5¦1e¦1e+¦1,5¦1_000¦0x10¦1f¦1d¦nan(1)¦infinit¦++1¦1.2.3¦1e5.0¦١¦１¦½¦−1¦NULL¦N/A¦1__0¦.e1¦1e١¦ınf¦ 1¦"
    "1 ¦\t1¦1\n¦1\r¦\u00a01¦1 000¦in f¦1\u2028¦1\x00¦" + "x" * 300
)

VALID_IDS = {
    "STRING": values("u1¦ ¦NULL"),
    "EMAIL": values("a@b¦a.b+c@example.com¦..@x-y.z¦`{|}~@0¦a@b.c.d.e¦a@" + "b" * 63 + "¦" + "l" * 300 + "@x"),
    "HASHED_EMAIL": [HEX, "f" * 64],
    "PHONE_NUMBER": values("+41791234567¦12¦+12¦999999999999999"),
    "HASHED_PHONE_NUMBER": [HEX, "0" * 64],
    "MAID": [UUID, UUID.upper(), "01234567-8901-2345-6789-012345678901"],
    "HASHED_MAID": [HEX, "e" * 64],
    "UTIQ_MARTECH": values("mt1-aZ9¦mt2-0"),
    "UTIQ_ADTECH": values("aZ9+/==--a0¦a--b¦a=--0"),
    "FIRST_ID": ["aZ0" * 10 + "xy", "0" * 32],
    "ID5": values("ID5*abc¦é¦ ¦\v¦\x1c¦a\u200b"),
    "NET_ID": values("n¦ü–¦\f¦\ufeff¦x\u0000y"),
    "ONE_ID": [UUID],
    "IPV4_ADDRESS": values("1.2.3.4¦255.255.255.255¦001.02.3.0¦0.0.0.0¦249.199.99.9"),
}
NEAR_IDS = values(
    "A@b¦a@B¦a@b.¦@b¦a@¦a@-b¦a@b-¦a@b..c¦a@@b¦a@b_c¦é@b¦a@bücher¦a@b@c¦a(b@c¦a b@c¦+0123¦1¦+1¦+1234567890123456¦0041¦"
    "++12¦+41-79¦１２¦+１２¦mt3-a¦mt1-¦mt1_a¦MT1-a¦mt1-a.b¦mt1-é¦a-b¦a=b--c¦--a¦a--A¦a--¦é--a¦256.1.1.1¦1.2.3¦1.2.3.4.5¦"
    "1.2.3.0004¦1.2.3.-4¦1..2.3¦0x1.2.3.4¦١.2.3.4¦1.2.3.4.¦299.1.1.1¦a\nb¦\n¦\r¦\r\n¦\u2028¦a\u0085b"
)
NEAR_IDS += [HEX.upper(), HEX[1:], HEX + "0", HEX[:-1] + "g", UUID[:-1] + "F", UUID.replace("-", ""), "{" + UUID + "}"]
NEAR_IDS += ["0" * 31, "0" * 33, "0" * 31 + "-", "a@" + "b" * 64]
TERMINATORS = values("\n¦\r¦\r\n¦\u0085¦\u2028¦\u2029¦ ¦\n\n¦\x00¦\v")

WORDS = values('a¦b¦u1¦u2¦ ¦NULL¦é¦e\u0301¦日本¦😀¦ a¦a ¦A¦x;y¦x\ty¦5" x¦\ufeffa')
ODD_FIELDS = values(
    '¦""¦"s1"x¦""s""¦" "¦"a,b"¦"a""b"¦""""¦"a\nb"¦"a\r\nb"¦"a\rb"¦"\n"¦"\n\n"¦"a\r\r\nb"¦"a\n \nb"¦"a"b"¦"a" ¦'
    ' "a"¦\'¦\\¦"\r\n"¦"\u2028\n\u3000\n"¦' + "x" * 3000 + '¦"' + "y,\n" * 700 + '"'
)
OPEN_QUOTES = values('"¦"a¦b"¦"""¦a"b¦\\"¦"\\"¦"a\\"b"')
LOOSE_LINES = values(
    '¦,¦,,¦,,,¦""¦ ¦\t¦ , ¦\ufeff¦\ufeffa,b¦a¦a,b¦a,b,c¦a,b,c,d¦"",""¦" "¦user_id,segment¦a;b¦null¦\u3000¦\u0085¦'
    "\u2028 \u2029¦\v\f¦\x1c¦\u200b¦\r ¦ \r \r"
)
BOM_BEGINNINGS = values('\ufeff¦\ufeff\ufeff¦\n¦\r¦\r\n¦ \n¦\n\ufeff¦\ufeff\n¦ \n\ufeff¦\ufeff \n¦\ufeff""\n¦\r\ufeff')
BEGINNINGS = [""] * len(BOM_BEGINNINGS) + BOM_BEGINNINGS


@dataclass(frozen=True)
class HostileFile:
    """A text and what `reference_report` and the code under test need to know to check it."""

    text: bytes
    dataset: str
    num_columns: int
    drop_invalid_rows: bool = True
    identifiers: list[dict[str, Any]] = field(default_factory=list)


def is_plain_text(text: bytes) -> bool:
    """Whether it is surely text: no NUL, few control characters, no JSON (for `assume`).

    See docs/spec/validation.md#4-file-type.
    """
    controls = sum(byte == 0x7F or (byte < 0x20 and byte not in b"\t\n\v\f\r\x1b") for byte in text)
    return 0 not in text and 10 * controls <= len(text) and text.lstrip(b" \t\r\n")[:1] not in (b"[", b"{")


def quoted(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'


def written(texts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """The values as CSV fields, quoted where they must be and sometimes where not."""

    def write(value: str, wants_quotes: bool) -> str:
        return quoted(value) if wants_quotes or any(char in value for char in ',"\r\n') else value

    return st.builds(write, texts, st.sampled_from([False, False, False, True]))


def blank_runs() -> st.SearchStrategy[str]:
    """White space of many kinds, rarely with a character that only looks like it."""
    chars = st.sampled_from(BLANK_CHARS * 3 + ALMOST_BLANK_CHARS)
    return st.text(chars, min_size=1, max_size=4)


def fields(good: st.SearchStrategy[str], bad: st.SearchStrategy[str], *, open_quotes: bool) -> st.SearchStrategy[str]:
    """One field: mostly good, sometimes bad, empty, odd, or with a quote that nothing closes."""
    odd = st.one_of(st.sampled_from(ODD_FIELDS), blank_runs(), written(st.text(max_size=6)), st.just(""))
    kinds = [written(good)] * 8 + [written(bad), odd]
    if open_quotes:
        kinds.append(st.sampled_from(OPEN_QUOTES))
    return st.sampled_from(kinds).flatmap(lambda kind: kind)


@st.composite
def texts(draw: st.DrawFn, columns: list[st.SearchStrategy[str]], max_rows: int = 25) -> bytes:
    """A whole file whose usual row has one field out of each of `columns`."""
    rows = st.tuples(*columns).map(",".join)
    pieces = [draw(st.sampled_from(BEGINNINGS))]
    last_rows: list[str] = []
    end = draw(st.sampled_from(["\n", "\n", "\r\n", "\r"]))
    for _ in range(draw(st.integers(0, max_rows))):
        kind = draw(st.integers(0, 9))
        if kind < 2:
            line = draw(st.one_of(st.sampled_from(LOOSE_LINES), blank_runs()))
        elif kind < 4 and last_rows:
            line = draw(st.sampled_from(last_rows))
        else:
            line = draw(rows)
        last_rows.append(line)
        pieces += [line, draw(st.sampled_from([end] * 15 + LINE_ENDS))]
    if pieces[1:] and draw(st.booleans()):
        pieces.pop()
    if draw(st.booleans()):
        pieces += draw(st.lists(st.one_of(blank_runs(), st.sampled_from(["\n", "\r\n"])), max_size=4))
    return "".join(pieces).encode("utf-8")


@st.composite
def plain_files(draw: st.DrawFn, *, open_quotes: bool = True, max_rows: int = 25) -> HostileFile:
    """A file of segments, demographics or embeddings, in drop or keep mode."""
    dataset = draw(st.sampled_from(["segments", "demographics", "embeddings"]))
    word = fields(st.sampled_from(WORDS[:4]), st.sampled_from(WORDS), open_quotes=open_quotes)
    number = fields(st.sampled_from(GOOD_FLOATS), st.sampled_from(BAD_FLOATS), open_quotes=open_quotes)
    columns = [word] * (3 if dataset == "demographics" else 2)
    if dataset == "embeddings":
        columns += [number] * draw(st.integers(1, 3))
    return HostileFile(draw(texts(columns, max_rows)), dataset, len(columns), draw(st.integers(0, 3)) > 0)


@st.composite
def identifier_configs(draw: st.DrawFn, num_columns: int) -> list[dict[str, Any]]:
    """A valid configuration for files of `num_columns`, in any order, flags sometimes left out.

    See docs/spec/validation.md#111-configuration.
    """
    count = num_columns if num_columns < 3 else draw(st.integers(1, 6))
    names = ["userId", *draw(st.permutations(["email", "Email", " email", "é", "a,b", 'q"q', "maid"]))[: count - 1]]
    matching_types = draw(st.permutations(sorted(VALID_IDS)))
    matching = draw(st.integers(0, count - 1))
    entries = []
    for number, name in enumerate(names):
        entry: dict[str, Any] = {"idName": name, "idType": draw(st.sampled_from(sorted(VALID_IDS)))}
        if number == matching or draw(st.booleans()):
            entry |= {"idType": matching_types[number], "isMatchingId": True}
        for flag in ("isActivationId", "isUserId"):
            if draw(st.booleans()):
                entry[flag] = draw(st.booleans())
        entries.append(entry)
    return draw(st.permutations(entries))


def id_values(id_type: str) -> tuple[st.SearchStrategy[str], st.SearchStrategy[str]]:
    """Valid values of a type, and others: nearly valid, of another type, or valid with something behind them."""
    valid = st.sampled_from(VALID_IDS[id_type])
    foreign = st.sampled_from([value for listed in VALID_IDS.values() for value in listed])
    longer = st.builds(str.__add__, valid, st.sampled_from(TERMINATORS))
    return valid, st.one_of(st.sampled_from(NEAR_IDS), foreign, longer)


@st.composite
def identifier_files(draw: st.DrawFn, *, open_quotes: bool = True, max_rows: int = 25) -> HostileFile:
    """An identifiers file of 1, 2 or 3 columns with its configuration; id names may be unknown or empty."""
    num_columns = draw(st.integers(1, 3))
    config = draw(identifier_configs(num_columns))
    user_type = next(entry["idType"] for entry in config if entry["idName"] == "userId")
    columns = [fields(*id_values(user_type), open_quotes=open_quotes)]
    if num_columns == 2:
        other_type = next(entry["idType"] for entry in config if entry["idName"] != "userId")
        columns.append(fields(*id_values(other_type), open_quotes=open_quotes))
    if num_columns == 3:
        names = st.sampled_from([entry["idName"] for entry in config])
        strange = st.sampled_from(["unknown", "", "userid", "userId ", "EMAIL", "email\n"])
        some_value = st.sampled_from(config).flatmap(lambda entry: id_values(entry["idType"])[0])
        any_value = st.sampled_from(sorted(VALID_IDS)).flatmap(lambda id_type: id_values(id_type)[1])
        columns.append(fields(names, strange, open_quotes=open_quotes))
        columns.append(fields(some_value, any_value, open_quotes=open_quotes))
    return HostileFile(draw(texts(columns, max_rows)), "identifiers", num_columns, True, config)
