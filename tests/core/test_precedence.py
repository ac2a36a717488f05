"""People go first, and who makes room for them still gets on."""

import asyncio
from contextlib import ExitStack

import pytest

from densach_core.precedence import FRESH_S, PAUSE_S, PAUSED_PER_WORKED, SAVED_S, Courtesy, Precedence


class Time:
    """Moves when told to, and when somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waited: list[float] = []

    def now_ms(self) -> int:
        return round(self.now * 1000)

    def monotonic(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.now += seconds


class Stage:
    def __init__(self) -> None:
        self.time = Time()
        self.precedence = Precedence(self.time)
        self.courtesy = Courtesy(self.precedence, self.time, wait=self.time.wait)

    def work(self, seconds: float) -> float:
        """Seconds of pause after so much work."""
        self.time.now += seconds
        before = self.time.now
        self.courtesy.give_way()
        return self.time.now - before


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_nobody_waits_and_nothing_pauses(stage: Stage) -> None:
    assert sum(stage.work(0.005) for _ in range(1000)) == 0
    with stage.precedence.answering():
        pass
    assert stage.work(0.005) == 0


def test_a_request_is_let_by_but_never_long_at_a_time(stage: Stage) -> None:
    with stage.precedence.answering():
        assert stage.work(0.005) == pytest.approx(PAUSE_S)
    assert stage.work(0.005) == 0


def test_what_takes_long_is_no_longer_waited_for(stage: Stage) -> None:
    with stage.precedence.answering():
        paused = sum(stage.work(0.005) for _ in range(1000))
        assert 0 < paused <= FRESH_S
        assert stage.work(0.005) == 0
        with stage.precedence.answering():  # a page beside an upload
            assert stage.work(0.005) > 0
        assert stage.work(0.005) == 0


def test_without_end_of_requests_work_gets_on(stage: Stage) -> None:
    worked = paused = 0.0
    for _ in range(20_000):
        with stage.precedence.answering():
            paused += stage.work(0.002)
            worked += 0.002
    assert paused <= SAVED_S + PAUSED_PER_WORKED * worked
    assert paused >= 0.9 * PAUSED_PER_WORKED * worked  # and pages have the rest
    assert max(stage.time.waited) <= PAUSE_S


def test_the_newest_of_many_counts_however_they_end(stage: Stage) -> None:
    with ExitStack() as first:
        first.enter_context(stage.precedence.answering())
        second = ExitStack()
        second.enter_context(stage.precedence.answering())
        assert stage.work(0.005) > 0
        first.close()
        assert stage.work(0.005) > 0
        second.close()
        assert stage.work(0.005) == 0


def test_an_answer_that_fails_is_over_too(stage: Stage) -> None:
    with pytest.raises(ZeroDivisionError), stage.precedence.answering():
        raise ZeroDivisionError
    assert stage.work(0.005) == 0


async def test_a_worker_goes_on_at_once_when_the_answer_is_there() -> None:
    time = Time()  # stands still: only the end of the request can let the worker go
    precedence = Precedence(time)
    with precedence.answering():
        worker = asyncio.create_task(asyncio.to_thread(precedence.wait, 60))
        await asyncio.sleep(0)
    await asyncio.wait_for(worker, 30)


async def test_what_runs_in_the_loop_waits_for_quiet() -> None:
    time = Time()
    precedence = Precedence(time)
    with precedence.answering():
        waiting = asyncio.create_task(precedence.quiet(60))
        await asyncio.sleep(0)
        assert not waiting.done()
    await asyncio.wait_for(waiting, 30)
    with precedence.answering():
        await asyncio.wait_for(precedence.quiet(0), 30)
