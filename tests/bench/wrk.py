"""`wrk` asks: one thread, so many connections that are kept, a list of paths, so many seconds. Only of this machine.

wrk does not tell a script which connection asks next, so the clients' rows stand woven into one list, from which whichever
connection is free takes the next: at the start each has the first of its own row. What is still on its way when the time is over
is not counted, neither for nor against a slow library.
"""

import json
import shutil
import subprocess
import urllib.parse
from collections.abc import Mapping
from pathlib import Path

import msgspec
from tests.bench.visiting import HEADERS, PATIENCE_S, Visited, VisitingPlan

SCRIPT = """
local rows, at = {}, -1 -- wrk looks at one request before it begins
local asking
others, answered, moved = {}, 0, 0

function setup(thread) asking = thread end

function init()
  for path in io.lines(PATHS) do rows[#rows + 1] = "GET " .. path .. REST end
  began = os.clock()
end

function request()
  at = at + 1
  return rows[(at == 0 and 0 or (at - 1) % #rows) + 1]
end

function response(status, headers, body)
  moved = moved + #body
  if status == 200 then answered = answered + 1 else others[status] = (others[status] or 0) + 1 end
end

function done(summary, latency)
  local said, times = {}, {}
  for status, n in pairs(asking:get("others")) do said[#said + 1] = string.format('"%d":%d', status, n) end
  for i = 1, #latency do
    local micros, n = latency(i)
    times[#times + 1] = string.format("[%d,%d]", micros, n)
  end
  local wrong = summary.errors
  io.write(string.format(
    'pressed {"micros":%d,"complete":%d,"answered":%d,"moved":%d,"late":%d,"broken":%d,"own_s":%.3f,' ..
    '"others":{%s},"times":[%s]}\\n',
    summary.duration, summary.requests, asking:get("answered"), asking:get("moved"), wrong.timeout,
    wrong.connect + wrong.read + wrong.write, os.clock() - asking:get("began"), table.concat(said, ","), table.concat(times, ",")
  ))
end
"""


class Pressed(msgspec.Struct, frozen=True):
    """What the script prints: `times` as (µs, how many)."""

    micros: int
    complete: int
    answered: int
    moved: int
    late: int
    broken: int
    own_s: float
    others: dict[str, int]
    times: list[tuple[int, int]]


def find_wrk() -> str | None:
    return shutil.which("wrk")


def press(program: str, plan: VisitingPlan, folder: Path) -> Visited:
    """Raises RuntimeError when wrk does not do as it should."""
    where = urllib.parse.urlsplit(plan.url)
    if where.hostname != "127.0.0.1":
        raise RuntimeError(f"{plan.url} is not on this machine")
    script = folder / "asking.lua"
    script.write_text(_script(plan.paths, {"Host": where.netloc, **HEADERS}), "utf-8")
    seconds = max(1, round(plan.seconds))
    command = [program, "-t1", f"-c{plan.clients}", f"-d{seconds}s", f"--timeout={PATIENCE_S:.0f}s", "-s", str(script), plan.url]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=seconds + 120, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"wrk did not stop {error.timeout:.0f} s after it began") from error
    line = next((one for one in done.stdout.splitlines() if one.startswith("pressed ")), "")
    if not line:
        raise RuntimeError(f"wrk ended with {done.returncode}: {(done.stderr or done.stdout)[-400:]}")
    return visited(plan, msgspec.json.decode(line.removeprefix("pressed "), type=Pressed))


def visited(plan: VisitingPlan, found: Pressed) -> Visited:
    """Times other than of answers with 200 cannot be told apart: as many of the quickest are taken away."""
    times = measured(found.times, found.micros, found.complete, plan.clients)
    if len(times) + found.late != found.complete:
        raise RuntimeError(f"wrk counted {found.complete} answers and {len(times)} times: another version counts otherwise")
    others = dict(found.others)
    refused = sum(others.values())
    if found.broken:
        others["broken connection"] = found.broken
    if found.late:
        others["too late"] = found.late
    took = [micros / 1000 for micros in times[min(refused, len(times)) :]]
    failed = refused + found.broken + found.late
    return Visited(plan.what, plan.clients, found.micros / 1e6, took, failed, found.moved, found.own_s, others)


def measured(times: list[tuple[int, int]], micros: int, complete: int, clients: int) -> list[int]:
    """The times as they were, in order. wrk adds such as it believes were not asked for because an answer took long ("coordinated
    omission", with the mean as the distance that was meant); a class that waits for its answer does not ask meanwhile. For each
    time above twice the mean it adds those less by one mean, by two … down to the mean: taken away again, the longest first."""
    counts = dict(times)
    each = complete // clients
    apart = micros // each if each else 0
    for time in sorted(counts, reverse=True):
        n = counts[time]
        if not apart or time < 2 * apart or n <= 0:
            continue
        for less in range(time - apart, apart, -apart):
            counts[less] = counts.get(less, 0) - n
    return [time for time in sorted(counts) for _ in range(counts[time])]


def _script(paths: str, headers: Mapping[str, str]) -> str:
    rest = " HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
    return f"local PATHS, REST = {json.dumps(paths)}, {json.dumps(rest)}\n{SCRIPT}"
