"""What disks, copies, editors and ill will do to files: seeded, so that every input can be made again."""

from collections.abc import Callable

import numpy as np

Damage = Callable[[np.random.Generator, bytes], bytes]

COUNTS = (0, 1, 2**31 - 1, 2**32 - 1, 2**60, 2**63, 2**64 - 1)
WORDS = (
    *(
        "nan",
        "inf",
        "-inf",
        "1e308",
        "1e-320",
        "-1",
        "0",
        "",
        "x",
        "1e999",
        "9" * 4000,
        "-0.0",
        "0x10",
        "1_000",
    ),
    *(
        "null",
        "true",
        "[]",
        "{}",
        "\u202e",
        "\x1b[2J",
        "../../etc/passwd",
        "a" * 300,
        "\udcff",
        "NaN",
        "Infinity",
    ),
)


def flip_bits(rng: np.random.Generator, data: bytes) -> bytes:
    """One to eight of them."""
    changed = bytearray(data)
    for at in rng.integers(len(changed), size=rng.integers(1, 9)) if changed else ():
        changed[at] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def cut(rng: np.random.Generator, data: bytes) -> bytes:
    return data[: int(rng.integers(len(data) + 1))]


def double_piece(rng: np.random.Generator, data: bytes) -> bytes:
    first, last = sorted(rng.integers(len(data) + 1, size=2).tolist())
    return data[:last] + data[first:last] + data[last:]


def drop_piece(rng: np.random.Generator, data: bytes) -> bytes:
    first = int(rng.integers(len(data) + 1))
    return data[:first] + data[first + int(rng.integers(1, 64)) :]


def overwrite_count(rng: np.random.Generator, data: bytes) -> bytes:
    """Somewhere eight (or four) bytes that say another number: the first of a file is a count often."""
    size = (4, 8)[int(rng.integers(2))]
    at = (0, 4, 8, int(rng.integers(max(1, len(data) - size))))[int(rng.integers(4))]
    value = int(COUNTS[rng.integers(len(COUNTS))]) % 2 ** (8 * size)
    return data[:at] + value.to_bytes(size, "little") + data[at + size :]


def overwrite_number(rng: np.random.Generator, data: bytes) -> bytes:
    """Somewhere eight bytes that are a float of the worst kinds."""
    at = int(rng.integers(max(1, len(data) - 8)))
    value = np.float64([np.nan, np.inf, 1e308, 1e-320, -1.0, 0.0][rng.integers(6)])
    return data[:at] + value.tobytes() + data[at + 8 :]


def change_words(rng: np.random.Generator, data: bytes) -> bytes:
    """Of text: one to three words become others."""
    words = data.decode("utf-8", "replace").split(" ")
    for at in rng.integers(len(words), size=rng.integers(1, 4)):
        words[at] = WORDS[rng.integers(len(WORDS))] + ("\n" if words[at].endswith("\n") else "")
    return " ".join(words).encode("utf-8", "surrogateescape")


def change_lines(rng: np.random.Generator, data: bytes) -> bytes:
    """Of text: a line is lost, doubled, or stands elsewhere."""
    lines = data.split(b"\n")
    at, to = rng.integers(len(lines), size=2).tolist()
    line = lines[at]
    kind = rng.integers(3)
    if kind != 1:
        del lines[at]
    if kind > 0:
        lines.insert(to, line)
    return b"\n".join(lines)


def nest(rng: np.random.Generator, data: bytes) -> bytes:
    """Of JSON: brackets by the thousand before what stands somewhere."""
    at = int(rng.integers(len(data) + 1))
    levels = (700, 5000, 100_000)[int(rng.integers(3))]
    return data[:at] + b"[" * levels + data[at:]


BINARY: tuple[Damage, ...] = (flip_bits, cut, double_piece, drop_piece, overwrite_count, overwrite_number)
TEXT: tuple[Damage, ...] = (
    change_words,
    change_words,
    change_lines,
    flip_bits,
    cut,
    double_piece,
    drop_piece,
)
JSON: tuple[Damage, ...] = (*TEXT, nest)


def damage(rng: np.random.Generator, data: bytes, kinds: tuple[Damage, ...]) -> bytes:
    """Once or twice."""
    for _ in range(rng.integers(1, 3)):
        data = kinds[rng.integers(len(kinds))](rng, data)
    return data
