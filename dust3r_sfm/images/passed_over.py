"""Files that are no photos, in words."""

from collections.abc import Mapping, Sequence


def passed_over_text(passed_over: Mapping[str, str], most_names: int = 3) -> str:
    """Every reason once, with what the first `most_names` files that it holds for are called, and how many
    more there are."""
    named: dict[str, list[str]] = {}
    for name, reason in passed_over.items():
        named.setdefault(reason, []).append(name)
    return "; ".join(f"{reason}: {first_names(names, most_names)}" for reason, names in named.items())


def passed_over_line(passed_over: Mapping[str, str]) -> str:
    """For a summary."""
    count = len(passed_over)
    return f"passed over {count} other {'file' if count == 1 else 'files'}: {passed_over_text(passed_over)}"


def first_names(names: Sequence[str], most_names: int) -> str:
    """The first of them, and how many more there are."""
    rest = len(names) - most_names
    return ", ".join(names[:most_names]) + (f" and {rest} more" if rest > 0 else "")
