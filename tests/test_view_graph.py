import json
from pathlib import Path

import pytest

from dust3r_sfm.errors import InputError
from dust3r_sfm.types import Pair
from dust3r_sfm.view_graph import (
    Automatic,
    Complete,
    GraphConfig,
    LogWindow,
    OneReference,
    PairsFile,
    Retrieval,
    SlidingWindow,
    ViewGraph,
    graph_of_pairs,
    parse_graph,
    view_graph,
)

PUBLISHED = Path(__file__).parents[1].parent / "shared" / "parity" / "make_pairs.json"


def names(count: int) -> list[str]:
    return [f"{i:04}.jpg" for i in range(count)]


def pairs(config: GraphConfig, count: int, symmetrize: bool = False) -> list[tuple[int, int]]:
    return [(p.i, p.j) for p in view_graph(names(count), config, symmetrize).pairs]


def listed(folder: Path, text: str, photos: list[str]) -> list[tuple[int, int]]:
    path = folder / "pairs.txt"
    path.write_text(text, encoding="utf-8")
    return [(p.i, p.j) for p in view_graph(photos, PairsFile(path), symmetrize=False).pairs]


class TestForms:
    def test_complete_has_each_pair_once_in_ascending_order(self) -> None:
        assert pairs(Complete(), 4) == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]

    def test_sliding_window_wraps_around(self) -> None:
        assert pairs(SlidingWindow(1), 5) == [(0, 1), (0, 4), (1, 2), (2, 3), (3, 4)]

    def test_sliding_window_may_stop_at_the_last_view(self) -> None:
        steps = [(0, 1), (0, 2), (1, 2), (1, 3), (2, 3), (2, 4), (3, 4)]
        assert pairs(SlidingWindow(2, cyclic=False), 5) == steps

    @pytest.mark.parametrize("size", [3, 4, 100_000])
    @pytest.mark.parametrize("cyclic", [True, False])
    def test_a_window_as_wide_as_the_sequence_is_complete(self, size: int, cyclic: bool) -> None:
        assert pairs(SlidingWindow(size, cyclic), 4) == pairs(Complete(), 4)

    def test_log_window_takes_powers_of_two(self) -> None:
        steps = [(i, i + step) for i in range(9) for step in (1, 2, 4) if i + step < 9]
        assert pairs(LogWindow(3, cyclic=False), 9) == steps

    def test_log_window_wraps_around(self) -> None:
        steps = {tuple(sorted((i, (i + step) % 9))) for i in range(9) for step in (1, 2, 4)}
        assert pairs(LogWindow(3), 9) == sorted(steps)

    def test_log_window_wider_than_the_sequence(self) -> None:
        assert pairs(LogWindow(100_000, cyclic=False), 3) == pairs(Complete(), 3)

    def test_one_reference_looks_from_the_reference(self) -> None:
        assert pairs(OneReference(2), 4) == [(2, 0), (2, 1), (2, 3)]

    @pytest.mark.parametrize("index", [-1, 4])
    def test_one_reference_must_exist(self, index: int) -> None:
        with pytest.raises(InputError, match=f"{index}.*0 to 3"):
            pairs(OneReference(index), 4)

    @pytest.mark.parametrize("kind", [SlidingWindow, LogWindow])
    def test_window_must_hold_a_view(self, kind: type[SlidingWindow] | type[LogWindow]) -> None:
        with pytest.raises(InputError, match="win-0"):
            kind(0)

    @pytest.mark.parametrize("config", [Complete(), SlidingWindow(2), LogWindow(2), OneReference(1)])
    def test_symmetrizing_adds_exactly_the_opposite_directions(self, config: GraphConfig) -> None:
        one_sided = pairs(config, 6)
        assert pairs(config, 6, symmetrize=True) == sorted({*one_sided, *((j, i) for i, j in one_sided)})
        assert len(pairs(config, 6, symmetrize=True)) == 2 * len(one_sided)

    @pytest.mark.parametrize(
        "config", [Complete(), SlidingWindow(2), LogWindow(2), OneReference(), Automatic()]
    )
    def test_one_view_has_no_pairs(self, config: GraphConfig) -> None:
        assert view_graph(names(1), config) == ViewGraph(1, ())


class TestAutomatic:
    def test_few_views_are_complete(self) -> None:
        limit = Automatic().complete_up_to
        assert pairs(Automatic(), limit) == pairs(Complete(), limit)

    def test_many_views_get_the_next_five_and_powers_of_two(self) -> None:
        steps = {min(j - i, 100 - (j - i)) for i, j in pairs(Automatic(), 100)}
        assert steps == {1, 2, 3, 4, 5, 8, 16, 32}
        assert len(pairs(Automatic(), 100)) == 800

    def test_half_way_round_is_counted_once(self) -> None:
        assert len(pairs(Automatic(), 64)) == 7 * 64 + 32


class TestValidation:
    @pytest.mark.parametrize("pair", [Pair(0, 3), Pair(-1, 0)])
    def test_indices_are_in_range(self, pair: Pair) -> None:
        with pytest.raises(InputError, match=rf"\({pair.i}, {pair.j}\).*3 views"):
            ViewGraph(3, (Pair(0, 1), pair))

    def test_no_view_with_itself(self) -> None:
        with pytest.raises(InputError, match=r"\(1, 1\).*itself"):
            ViewGraph(3, (Pair(1, 1),))

    def test_no_pair_twice_but_both_directions(self) -> None:
        ViewGraph(3, (Pair(0, 1), Pair(1, 0)))
        with pytest.raises(InputError, match=r"\(0, 1\).*more than once"):
            ViewGraph(3, (Pair(0, 1), Pair(1, 2), Pair(0, 1)))

    def test_two_views_need_a_pair(self) -> None:
        with pytest.raises(InputError, match="2 views but no pair"):
            ViewGraph(2, ())


class TestComponents:
    def test_largest_first_then_by_first_view_direction_ignored(self) -> None:
        graph = ViewGraph(8, (Pair(1, 0), Pair(7, 3), Pair(5, 3), Pair(6, 2)))
        assert graph.components() == [[3, 5, 7], [0, 1], [2, 6], [4]]

    def test_a_chain_is_one_component(self) -> None:
        chain = view_graph(names(200), SlidingWindow(1, cyclic=False), symmetrize=False)
        assert chain.components() == [list(range(200))]

    def test_no_views_no_components(self) -> None:
        assert ViewGraph(0, ()).components() == []


class TestPairsFile:
    photos: tuple[str, ...] = ("a.jpg", "left/b c.jpg", "näher.jpg", "it's.jpg")

    @pytest.mark.parametrize(
        ("line", "pair"),
        [
            ("a.jpg näher.jpg", (0, 2)),
            ("  it's.jpg   a.jpg  ", (3, 0)),
            ("a.jpg\tleft/b c.jpg", (0, 1)),
            ('"left/b c.jpg" it\'s.jpg', (1, 3)),
            ('a.jpg   "left/b c.jpg"', (0, 1)),
        ],
    )
    def test_spaces_tabs_and_quotes(self, tmp_path: Path, line: str, pair: tuple[int, int]) -> None:
        assert listed(tmp_path, line + "\n", list(self.photos)) == [pair]

    def test_comments_empty_lines_repeats_and_byte_order_mark(self, tmp_path: Path) -> None:
        text = "\ufeff# pairs\r\n\r\nnäher.jpg a.jpg\r\na.jpg it's.jpg\r\nnäher.jpg a.jpg\r\n"
        assert listed(tmp_path, text, list(self.photos)) == [(0, 3), (2, 0)]

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("a.jpg it's.jpg\n\na.jpg gone.jpg", "pairs.txt, line 3.*'gone.jpg'"),
            ("a.jpg a.jpg", "pairs.txt, line 1.*itself"),
            ("a.jpg left/b c.jpg", "pairs.txt, line 1: 3 names.*quote"),
            ("a.jpg", "pairs.txt, line 1: 1 names"),
            ("# nothing\n", "pairs.txt: lists no pairs"),
        ],
    )
    def test_mistakes_name_file_and_line(self, tmp_path: Path, text: str, message: str) -> None:
        with pytest.raises(InputError, match=message):
            listed(tmp_path, text, list(self.photos))

    def test_missing_and_binary_files(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"gone\.txt: cannot be read"):
            view_graph(names(2), PairsFile(tmp_path / "gone.txt"))
        (tmp_path / "binary").write_bytes(b"\xff\xfe\x00\x80")
        with pytest.raises(InputError, match="binary: is not a text file"):
            view_graph(names(2), PairsFile(tmp_path / "binary"))


class TestParse:
    @pytest.mark.parametrize(
        ("text", "config"),
        [
            ("auto", Automatic()),
            ("complete", Complete()),
            ("swin", SlidingWindow(3)),
            ("swin-5", SlidingWindow(5)),
            ("swin-5-noncyclic", SlidingWindow(5, cyclic=False)),
            ("logwin-4", LogWindow(4)),
            ("logwin-noncyclic", LogWindow(3, cyclic=False)),
            ("oneref", OneReference(0)),
            ("oneref-12", OneReference(12)),
        ],
    )
    def test_words(self, text: str, config: GraphConfig) -> None:
        assert parse_graph(text) == config

    def test_retrieval(self) -> None:
        assert parse_graph("retrieval-5") == Retrieval(5)
        assert parse_graph("retrieval") == Retrieval(8)
        with pytest.raises(InputError, match="retrieval-0: a view needs at least 1 other"):
            parse_graph("retrieval-0")
        with pytest.raises(InputError, match=r"diversity 1\.0 is not from 0 to below 1"):
            Retrieval(5, diversity=1.0)

    def test_files(self, tmp_path: Path) -> None:
        path = tmp_path / "swin-5"
        path.touch()
        assert parse_graph(str(path)) == PairsFile(path)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "nonsense",
            "retrieval-",
            "retrieval-x",
            "swin-",
            "swin--1",
            "swin-5-cyclic",
            "gone.txt",
            "Complete",
        ],
    )
    def test_anything_else_is_refused_with_the_choices(self, text: str) -> None:
        with pytest.raises(InputError, match=r"swin-5.*pairs file"):
            parse_graph(text)


def test_a_graph_of_any_pairs() -> None:
    graph = graph_of_pairs(3, [Pair(2, 1), Pair(0, 2), Pair(2, 1)], symmetrize=False)
    assert graph.pairs == (Pair(0, 2), Pair(2, 1))
    assert len(graph_of_pairs(3, graph.pairs).pairs) == 4


@pytest.mark.realdata
@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published pair lists are not beside the repository")
def test_published_pairs() -> None:
    """What the published make_pairs gives, but: unknown names are refused there they give nothing; a
    reference that does not exist is refused; no view meets itself (swin-k with N <= k); and complete
    unsymmetrised runs from the smaller index to the larger."""
    records = [r for r in json.loads(PUBLISHED.read_text()) if r["prefilter"] is None]
    assert len(records) == 168
    for record in records:
        text, count = record["scene_graph"], record["N"]
        if text == "nonsense":
            with pytest.raises(InputError):
                parse_graph(text)
            continue
        if "pairs_in_official_order" not in record:
            assert text == "oneref-2"
            assert count <= 2
            with pytest.raises(InputError):
                view_graph(names(count), parse_graph(text))
            continue
        published = {(i, j) for i, j in record["pairs_in_official_order"] if i != j}
        if text == "complete":
            published = {(min(p), max(p)) for p in published} if not record["symmetrize"] else published
        assert set(pairs(parse_graph(text), count, record["symmetrize"])) == published, record
