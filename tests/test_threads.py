"""Work on several cores gives what one would."""

import threading
import time

import pytest
import torch
from threadpoolctl import threadpool_info

from dust3r_sfm.parallel import AHEAD, in_threads, num_workers, one_torch_thread, threads_and_caller


def test_results_come_in_the_order_of_the_items() -> None:
    def slower_first(item: int) -> int:
        time.sleep(0.02 * (item % 3 == 0))
        return item * item

    assert list(in_threads(slower_first, range(20))) == [item * item for item in range(20)]


def test_no_more_results_wait_than_said() -> None:
    started: list[int] = []
    results = in_threads(lambda item: started.append(item), range(1000))
    next(results)
    time.sleep(0.2)
    assert len(started) <= AHEAD * num_workers() + 1
    results.close()
    assert len(started) < 1000


def test_what_goes_wrong_in_a_thread_is_heard_of() -> None:
    def fails(item: int) -> int:
        if item == 3:
            raise ValueError("item 3")
        return item

    with pytest.raises(ValueError, match="item 3"):
        list(in_threads(fails, range(1000)))


def test_the_work_is_done_elsewhere_and_blas_has_one_thread_meanwhile() -> None:
    def seen(_: int) -> tuple[int, set[int]]:
        libraries = threadpool_info()
        threads = {info["num_threads"] for info in libraries if info["user_api"] == "blas"}
        return threading.get_ident(), threads

    before = threadpool_info()
    for thread, blas in in_threads(seen, range(4)):
        assert thread != threading.get_ident()
        assert blas == {1}
    assert threadpool_info() == before


@pytest.mark.parametrize(("spread", "own"), [(7, 20), (20, 7), (5, 0), (0, 0)])
def test_the_caller_works_in_between_and_the_order_is_always_the_same(spread: int, own: int) -> None:
    def where(item: int) -> tuple[int, bool]:
        return item, threading.get_ident() == caller

    caller = threading.get_ident()
    found = list(threads_and_caller(where, range(spread), range(100, 100 + own)))
    assert [item for item, here in found if not here] == list(range(spread))
    assert [item for item, here in found if here] == list(range(100, 100 + own))
    for count in range(len(found)):
        share = sum(not here for _, here in found[:count])
        assert abs(share - count * spread / len(found)) <= 1.0


def test_with_nothing_to_spread_the_caller_s_own_is_spread() -> None:
    found = list(threads_and_caller(lambda item: (item, threading.get_ident()), [], range(9)))
    assert [item for item, _ in found] == list(range(9))
    assert threading.get_ident() not in {thread for _, thread in found}


def test_threads_end_where_the_caller_s_own_work_fails() -> None:
    def fails(item: int) -> int:
        if item < 0:
            raise ValueError("own item")
        return item

    before, torch_before = threading.active_count(), torch.get_num_threads()
    with pytest.raises(ValueError, match="own item"):
        list(threads_and_caller(fails, range(50), [-1]))
    assert (threading.active_count(), torch.get_num_threads()) == (before, torch_before)


def test_blas_stays_at_one_thread_until_the_last_is_done() -> None:
    before = threadpool_info()
    first, second = (in_threads(lambda item: item, range(100)) for _ in range(2))
    next(first)
    next(second)
    first.close()
    assert {info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"} == {1}
    second.close()
    assert threadpool_info() == before


def test_torch_has_one_thread_inside_and_as_many_as_before_after() -> None:
    @one_torch_thread()
    def fails() -> None:
        raise ValueError(f"with {torch.get_num_threads()}")

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    with pytest.raises(ValueError, match="with 1"):
        fails()
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)
