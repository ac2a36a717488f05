"""Shared fixtures, and the check that a test leaves no task and no thread behind."""

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

pytest_plugins = ["tests.fixtures.mosquitto", "tests.fixtures.broker"]

_left_tasks: list[str] = []


def _watch_tasks(patch: pytest.MonkeyPatch) -> None:
    """Every task that an asyncio.Runner must cancel when it closes was forgotten by somebody."""
    cancel_all = asyncio.runners._cancel_all_tasks  # type: ignore[attr-defined]

    def note_and_cancel(loop: asyncio.AbstractEventLoop) -> None:
        _left_tasks.extend(repr(task) for task in asyncio.all_tasks(loop))
        cancel_all(loop)

    patch.setattr(asyncio.runners, "_cancel_all_tasks", note_and_cancel)


@pytest.fixture(autouse=True, scope="session")
def _watched_runners() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        _watch_tasks(patch)
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    item.stash[_threads_before] = set(threading.enumerate())
    return (yield)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: Playwright's plain interface keeps an event loop in this thread until the session ends, and
    where one runs no other test can start its own. The longest, which boot machines, come first: nothing waits for them then."""
    items.sort(key=lambda item: ("chromium" in getattr(item, "fixturenames", ()), not item.nodeid.startswith("tests/provision/")))


_threads_before = pytest.StashKey[set[threading.Thread]]()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """Fails a test that left tasks or threads; tests with a shared server or browser (e2e, bench) are let off."""
    _left_tasks.clear()
    result = yield
    if item.nodeid.startswith(("tests/e2e/", "tests/bench/")):
        return result
    assert not _left_tasks, f"tasks left running: {_left_tasks}"
    until = time.monotonic() + 15
    while left := [t.name for t in threading.enumerate() if t not in item.stash[_threads_before] and t.is_alive()]:
        if time.monotonic() > until:
            pytest.fail(f"threads left running: {left}")
        time.sleep(0.02)
    return result
