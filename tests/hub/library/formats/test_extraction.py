"""The reading process: real, niced, limited; what it does to itself never reaches the hub."""

import os
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.hub.library import made

from densach_hub.library.extraction import Extractor


@pytest.fixture
async def extractor(tmp_path: Path) -> AsyncIterator[Extractor]:
    async with Extractor(tmp_path / "scratch") as started:
        yield started


async def test_one_process_reads_many_files(extractor: Extractor, tmp_path: Path) -> None:
    for name, body in (("a.epub", made.epub()), ("b.pdf", made.pdf()), ("c.epub", made.zip_bomb())):
        async with extractor.read(made.put(tmp_path, name, body), name) as reading:
            assert (reading.result.found is None) == (name == "c.epub")
            if name == "a.epub":
                assert reading.cover() is not None
                assert sum(len(part) for part in reading.slices()) == 2
        assert not reading.folder.exists()


def stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, body: str) -> None:
    """Runs `body` in the reading process after its limits are set, for a file that does this to its reader."""
    script = tmp_path / "reader-with-a-fault"
    script.write_text(
        textwrap.dedent(
            f"""\
            #!{sys.executable}
            import sys
            from densach_hub.library.formats import reader
            plain = reader._read
            def read(source, workshop, beside):
                if "evil" in source.name:
                    import ctypes, os, time
                    {body}
                return plain(source, workshop, beside)
            reader._read = read
            sys.exit(reader.main())
            """
        )
    )
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("ctypes.string_at(0)", "library.reader-crashed"),
        ("os._exit(3)", "library.reader-crashed"),
        ("time.sleep(60)", "library.reader-too-slow"),
        ("bytearray(3 * 1024**3)", "library.reader-out-of-memory"),
        (
            "import resource; resource.setrlimit(resource.RLIMIT_CPU, (1, 60))\n                    while True: pass",
            "library.reader-too-slow",
        ),
        ("reader.Allowance(stuck_s=1)\n                    while True: pass", "library.reader-too-slow"),
    ],
    ids=["segfault", "exit", "sleep", "memory", "cpu", "stuck"],
)
async def test_a_file_that_kills_its_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str, code: str) -> None:
    stand_in(monkeypatch, tmp_path, fault)
    async with Extractor(tmp_path / "scratch", wall_seconds=4) as extractor:
        async with extractor.read(made.put(tmp_path, "evil.pdf", made.pdf()), "evil.pdf") as reading:
            assert reading.result.problem == code
        async with extractor.read(made.put(tmp_path, "good.pdf", made.pdf()), "good.pdf") as reading:
            assert reading.result.found is not None


async def test_a_long_file_that_goes_on_is_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three and a half seconds of work, where two without a passage of text would be its end."""
    work = """went_on = reader.Allowance(stuck_s=2).more
                    began = time.process_time()
                    while time.process_time() < began + 3.5:
                        went_on()
                    return plain(source, workshop, beside)"""
    stand_in(monkeypatch, tmp_path, work)
    async with (
        Extractor(tmp_path / "scratch", wall_seconds=60) as extractor,
        extractor.read(made.put(tmp_path, "evil.pdf", made.pdf()), "evil.pdf") as reading,
    ):
        assert reading.result.found is not None


async def test_the_process_is_niced_and_has_limits(tmp_path: Path, extractor: Extractor) -> None:
    async with extractor.read(made.put(tmp_path, "a.pdf", made.pdf()), "a.pdf"):
        process = extractor._process
        assert process is not None
        limits = Path(f"/proc/{process.pid}/limits").read_text()
        stat = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    assert "Max address space         1073741824" in limits
    assert "Max core file size        0" in limits
    assert int(stat[16]) == min(19, os.nice(0) + 15)


async def test_what_a_killed_hub_left_is_swept(tmp_path: Path) -> None:
    left = tmp_path / "scratch" / "reading-x"
    left.mkdir(parents=True)
    (left / "text.jsonl").write_text("half")
    async with Extractor(tmp_path / "scratch"):
        assert not left.exists()
