"""Child processes of a benchmark that print lines and wait for one."""

import subprocess
import sys
from types import TracebackType


class Talker:
    """A context manager around `python -m MODULE …`."""

    def __init__(self, module: str, *words: str) -> None:
        self._command = [sys.executable, "-m", module, *words]
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> "Talker":
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    @property
    def process(self) -> "subprocess.Popen[str]":
        if self._process is None:
            raise RuntimeError("not started")
        return self._process

    def hear(self, word: str) -> list[str]:
        """The rest of the next line that begins with this word. Raises RuntimeError when the process ends first."""
        for line in self.process.stdout or ():
            words = line.split()
            if words and words[0] == word:
                return words[1:]
            sys.stderr.write(f"    {line}")
        raise RuntimeError(f"{self._command[2]} ended before it said {word}: exit code {self.process.wait()}")

    def say(self, line: str = "go") -> None:
        stdin = self.process.stdin
        if stdin is not None:
            stdin.write(f"{line}\n")
            stdin.flush()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        process = self.process
        if process.poll() is None:
            process.terminate()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
