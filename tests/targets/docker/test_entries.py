"""Framing, stamps and joining of lines, whatever the bytes and wherever they are cut."""

import random
import struct
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.targets.drivers.docker.entries import LONGEST_LINE, Entries, Entry, since_text
from backends.targets.drivers.docker.frames import LONGEST, BrokenFrame, FrameReader
from backends.targets.records import Stream
from backends.targets.stamps import split_stamp, stamp_ns

PIECE = 16 * 1024
EPOCH = 1_700_000_000
NUMBERS = {Stream.STDOUT: 1, Stream.STDERR: 2}


def stamp(ns: int) -> bytes:
    from datetime import UTC, datetime

    moment = datetime.fromtimestamp(ns // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{moment}.{ns % 10**9:09d}Z ".encode()


def pieces(entry: Entry) -> Iterator[bytes]:
    """As the engine keeps a line: cut, and each piece stamped."""
    whole = entry.text + b"\n"
    starts = range(0, max(len(entry.text), 1), PIECE) if len(entry.text) % PIECE else None
    for start in starts or range(0, len(entry.text) + 1, PIECE):
        end = start + PIECE
        yield stamp(entry.stamp) + (whole[start:end] if len(entry.text) >= end else whole[start:])


def framed(entries: list[Entry]) -> bytes:
    return b"".join(
        struct.pack(">BxxxL", NUMBERS[entry.stream], len(piece)) + piece
        for entry in entries
        for piece in pieces(entry)
    )


def cut_anywhere(data: bytes, seed: int, most: int = 5000) -> Iterator[bytes]:
    rng = random.Random(seed)
    while data:
        size = rng.choice((1, 2, 7, 8, 9, rng.randint(1, most)))
        yield data[:size]
        data = data[size:]


LINES = st.lists(
    st.builds(
        Entry,
        st.integers(EPOCH * 10**9, (EPOCH + 2) * 10**9),
        st.sampled_from([Stream.STDOUT, Stream.STDERR]),
        st.binary(max_size=60).map(lambda text: text.replace(b"\n", b"\r")),
    ),
    max_size=30,
)


@given(LINES, st.integers())
def test_lines_come_out_as_they_went_in_wherever_the_bytes_are_cut(
    lines: list[Entry], seed: int
) -> None:
    reader = Entries(terminal=False)
    out = [e for part in cut_anywhere(framed(lines), seed) for e in reader.feed(part)]
    assert out == lines
    assert list(reader.end()) == []


@given(st.lists(st.sampled_from([0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE]), max_size=5))
def test_long_lines_are_joined_with_one_stamp(sizes: list[int]) -> None:
    lines = [
        Entry(EPOCH * 10**9 + number, list(NUMBERS)[number % 2], bytes([97 + number]) * size)
        for number, size in enumerate(sizes)
    ]
    reader = Entries(terminal=False)
    assert [e for part in cut_anywhere(framed(lines), 1) for e in reader.feed(part)] == lines


def test_pieces_of_two_outputs_may_alternate() -> None:
    one = Entry(EPOCH * 10**9, Stream.STDOUT, b"o" * 2 * PIECE + b"end")
    two = Entry(EPOCH * 10**9 + 5, Stream.STDERR, b"e" * PIECE + b"end")
    mixed = b"".join(
        struct.pack(">BxxxL", number, len(piece)) + piece
        for number, piece in zip(
            (1, 2, 1, 2, 1),
            (p for pair in _alternate(list(pieces(one)), list(pieces(two))) for p in pair),
            strict=True,
        )
    )
    assert list(Entries(terminal=False).feed(mixed)) == [two, one]


def _alternate(first: list[bytes], second: list[bytes]) -> Iterator[tuple[bytes, ...]]:
    for number, piece in enumerate(first):
        yield (piece, *second[number : number + 1])


def test_other_line_separators_are_part_of_the_text() -> None:
    text = "a\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029b\0".encode()
    line = Entry(EPOCH * 10**9, Stream.STDOUT, text)
    assert list(Entries(terminal=False).feed(framed([line]))) == [line]


def test_a_line_that_its_container_never_ended_stands_alone() -> None:
    first, second = stamp(EPOCH * 10**9), stamp(EPOCH * 10**9 + 10**9)
    parts = (first + b"torn", second + b"whole\n")
    data = b"".join(struct.pack(">BxxxL", 1, len(part)) + part for part in parts)
    reader = Entries(terminal=False)
    assert [e.text for e in reader.feed(data)] == [b"torn", b"whole"]


def test_what_has_no_line_end_comes_at_the_end_only() -> None:
    part = stamp(EPOCH * 10**9) + b"prompt> "
    reader = Entries(terminal=False)
    assert list(reader.feed(struct.pack(">BxxxL", 2, len(part)) + part)) == []
    assert list(reader.end()) == [Entry(EPOCH * 10**9, Stream.STDERR, b"prompt> ")]
    assert list(reader.end()) == []


def test_an_endless_line_is_cut_and_says_by_how_much() -> None:
    reader, part = Entries(terminal=False), stamp(EPOCH * 10**9) + b"x" * PIECE
    frame = struct.pack(">BxxxL", 1, len(part)) + part
    count = LONGEST_LINE // PIECE + 3
    assert [e for _ in range(count) for e in reader.feed(frame)] == []
    (line,) = reader.end()
    assert line.text.endswith(f"x… ({3 * PIECE} bytes more)".encode())
    assert len(line.text) < LONGEST_LINE + 100


@given(st.binary(max_size=400), st.integers())
def test_any_bytes_are_lines_or_no_framing(data: bytes, seed: int) -> None:
    for terminal in (True, False):
        reader = Entries(terminal=terminal)
        try:
            for part in cut_anywhere(data, seed):
                list(reader.feed(part))
        except BrokenFrame:
            assert not terminal
        list(reader.end())


@pytest.mark.parametrize(
    "header",
    [
        b"\x04\0\0\0\0\0\0\1",
        b"\1\0\1\0\0\0\0\1",
        b"\1\0\0\0" + (LONGEST + 1).to_bytes(4),
        b"HTTP/1.1",
    ],
)
def test_what_is_no_header_is_refused(header: bytes) -> None:
    with pytest.raises(BrokenFrame):
        list(FrameReader().feed(header))


def test_a_terminals_lines_lose_their_carriage_return_only() -> None:
    first = stamp(EPOCH * 10**9)
    data = first + b"a\rb\r\n" + first + b"y" * PIECE + first + b"z\r\n"
    for seed in range(5):
        reader = Entries(terminal=True)
        found = [e for part in cut_anywhere(data, seed) for e in reader.feed(part)]
        assert [e.text for e in found] == [b"a\rb", b"y" * PIECE + b"z"]
        assert {e.stamp for e in found} == {EPOCH * 10**9}


@given(st.integers(0, 4 * 10**18))
def test_a_stamp_keeps_every_digit(ns: int) -> None:
    assert stamp_ns(stamp(ns)) == ns
    seconds, _, digits = since_text(ns).partition(".")
    assert int(seconds) * 10**9 + int(digits) == ns
    assert len(digits) == 9


def test_other_engines_stamps_are_understood() -> None:
    assert stamp_ns(b"2023-11-14T22:13:20.5Z") == EPOCH * 10**9 + 500_000_000
    assert stamp_ns(b"2023-11-14T23:13:20+01:00") == EPOCH * 10**9
    assert stamp_ns(b"0001-01-01T00:00:00Z") < 0
    assert stamp_ns(b"2023-99-99T99:99:99Z") == 0
    assert split_stamp(b"no stamp") == (b"", b"no stamp")
