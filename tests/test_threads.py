"""Work on several cores gives what one would."""

import threading
import time

import pytest
import torch
from threadpoolctl import threadpool_info

from dust3r_sfm.threads import AHEAD, in_threads, num_workers, one_torch_thread


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
