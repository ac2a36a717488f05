"""Plays run from the hub: a real ansible-playbook, told apart machine by machine, stopped, interrupted, run again."""

import asyncio
import os
import stat
import subprocess
from pathlib import Path

import msgspec
import pytest
from tests.hub.provisioning.conftest import PLAYBOOKS, Stage

from densach_core.clock import SystemClock
from densach_core.errors import BadInput, Conflict, NotFound
from densach_hub.opening import open_rooms
from densach_hub.provisioning import plays, runner, store
from densach_hub.provisioning.model import HostState, Order, Plays, Run, RunState
from densach_hub.upkeep.backup import backup, restore


def hosts(run: Run) -> dict[str, HostState]:
    return {host.host: host.state for host in run.hosts}


async def until_busy(stage: Stage, run_id: str) -> None:
    """A machine of the run is at work."""
    async with asyncio.timeout(60):
        while True:
            run = await stage.provisioning.history.one(run_id)
            assert run.state is RunState.RUNNING, run
            if run.task == "Wait" and any("sleep" in " ".join(p.cmdline()) for p in runner.family(run_id)):
                return
            await asyncio.sleep(0.2)


async def test_a_run_tells_what_became_of_each_machine(stage: Stage) -> None:
    service = stage.provisioning
    order = Order(play="greet", room=stage.room.id, values={"word": "xin chào", "times": "2"}, user="lan")
    run = await service.start(order, by="Lan")
    assert run.state is RunState.RUNNING
    done = await service.wait(run.id)
    assert done.state is RunState.FAILED, service.log_of(run.id)
    assert hosts(done) == {
        "MAY-01": HostState.CHANGED, "MAY-02": HostState.FAILED, "MAY-03": HostState.FAILED,
        "MAY-04": HostState.CHANGED, "MAY-05": HostState.CHANGED,
    }  # fmt: skip
    assert {p.name for p in stage.out.iterdir()} == {f"MAY-0{n}.txt" for n in range(1, 6)}
    assert (stage.out / "MAY-01.txt").read_text("utf-8") == "xin chào 2"
    second, third = done.hosts[1], done.hosts[2]
    assert (second.task, second.message) == ("Fail on the second", "máy này hỏng")
    assert (third.task, third.message) == ("A secret", "hidden (no_log)")
    assert "s3cret" not in service.log_of(run.id)
    assert done.version
    lasts = await service.history.lasts()
    assert lasts["pc-may-01"].state is HostState.CHANGED
    assert (lasts["pc-may-02"].play, lasts["pc-may-02"].task) == ("greet.yml", "Fail on the second")
    assert "pc-gia-lap" not in lasts
    folder = stage.rooms.data / "provision" / "runs" / run.id
    assert [p.name for p in folder.iterdir()] == ["log.txt"], "inventory and values are not left behind"
    assert not runner.family(run.id)


async def test_a_trial_changes_nothing_and_counts_as_nothing(stage: Stage) -> None:
    service = stage.provisioning
    run = await service.start(Order(play="greet", machines=("MAY-01",), check=True, values={"word": "x"}), by="Lan")
    done = await service.wait(run.id)
    assert (done.state, done.check) == (RunState.DONE, True)
    assert done.hosts[0].changed == 1
    assert not list(stage.out.iterdir())
    assert not await service.history.lasts()


async def test_who_was_only_looked_at_is_not_set_up(stage: Stage) -> None:
    service = stage.provisioning
    seen = await service.wait((await service.start(Order(play="look", machines=("MAY-01",)), by="Lan")).id)
    assert seen.state is RunState.DONE, service.log_of(seen.id)
    assert await service.history.lasts() == {}
    assert [run.play for run, _ in await service.history.of_machine("pc-may-01")] == ["look.yml"]


async def test_the_password_goes_through_a_pipe_and_stays_nowhere(stage: Stage) -> None:
    service = stage.provisioning
    run = await service.start(Order(play="sudo", machines=("pc-may-01",), password="mat khau-7"), by="Lan")
    assert (await service.wait(run.id)).state is RunState.DONE, service.log_of(run.id)
    assert "mat khau-7" not in repr(Order(play="sudo", password="mat khau-7"))
    kept = subprocess.run(["grep", "-r", "mat khau-7", stage.rooms.data], capture_output=True, check=False)
    assert kept.returncode == 1, kept.stdout


async def test_one_run_at_a_time_on_a_machine_and_a_stop_kills_all_of_it(stage: Stage) -> None:
    service = stage.provisioning
    run = await service.start(Order(play="slow", machines=("MAY-01", "MAY-02")), by="Lan")
    await until_busy(stage, run.id)
    with pytest.raises(Conflict, match="busy"):
        await service.start(Order(play="greet", machines=("MAY-02",), values={"word": "x"}), by="Minh")
    await service.stop(run.id, by="Lan")
    done = await service.wait(run.id)
    assert (done.state, done.reason) == (RunState.STOPPED, "provisioning.stopped")
    assert not runner.family(run.id)
    assert hosts(done)["MAY-01"] is HostState.CUT


async def test_a_hub_that_died_in_the_middle_says_so_and_the_run_can_be_done_again(stage: Stage) -> None:
    service = stage.provisioning
    run = await service.start(Order(play="slow", machines=("MAY-01",)), by="Lan")
    await until_busy(stage, run.id)
    # As a pulled plug would leave it: the driver's word belongs to a process that is no more, the play goes on.
    orphan = subprocess.Popen(["sleep", "300"], env={**os.environ, runner.MARK: "deadbeef00000000"})
    left = Run(id="deadbeef00000000", play="slow.yml", by="Lan", here=True, started_at=1, hosts=run.hosts)
    school = stage.rooms.school
    await school.write(lambda c: store.put(c, left, "999999999 boot 1.00"))
    async with open_rooms(stage.rooms.data, SystemClock()) as other:  # the next start
        await other.provisioning.settle()
    orphan.wait(30)
    assert (await service.history.one(left.id)).state is RunState.INTERRUPTED
    assert (await service.history.one(run.id)).state is RunState.RUNNING, "one that is alive is left alone"
    await service.close()  # a hub that is told to stop
    ended = await service.history.one(run.id)
    assert (ended.state, ended.reason) == (RunState.INTERRUPTED, "provisioning.interrupted")
    assert not runner.family(run.id)
    again = await service.start(Order(play="greet", machines=("MAY-01",), values={"word": "x"}), by="Lan")
    assert (await service.wait(again.id)).state is RunState.DONE


REFUSED = (
    (Order(play="nothing", room="x"), "provisioning.no-play"),
    (Order(play="gone", room="x"), "provisioning.no-play"),
    (Order(play="greet", machines=("MAY-01",)), "provisioning.value"),
    (Order(play="greet", machines=("MAY-01",), values={"word": "{{ lookup('pipe', 'id') }}"}), "provisioning.value"),
    (Order(play="greet", machines=("MAY-01",), values={"word": "a\nb"}), "provisioning.value"),
    (Order(play="greet", machines=("MAY-01",), values={"word": "a", "times": 6}), "provisioning.value"),
    (Order(play="greet", machines=("MAY-01",), values={"word": "a", "ansible_host": "x"}), "provisioning.unknown-value"),
    (Order(play="greet", machines=("MAY-01",), values={"word": "a"}, user="-oProxyCommand=x"), "provisioning.user"),
    (Order(play="sudo", machines=("MAY-01",), password="a\nb"), "provisioning.password"),
    (Order(play="greet", machines=("GIA-LAP",), values={"word": "a"}), "provisioning.simulated"),
    (Order(play="greet", machines=("MAY-77",), values={"word": "a"}), "provisioning.no-machine"),
    (Order(play="greet", values={"word": "a"}), "provisioning.none-chosen"),
    (Order(play="wipe", machines=("MAY-01",)), "provisioning.confirm"),
    (Order(play="slow", machines=("MAY-01",), check=True), "provisioning.no-check"),
)


async def test_what_cannot_be_run_is_refused_before_anything_starts(stage: Stage) -> None:
    for order, code in REFUSED:
        with pytest.raises((BadInput, NotFound)) as refused:
            await stage.provisioning.start(order, by="Lan")
        assert refused.value.code == code, order
    assert not await stage.provisioning.history.runs()


async def test_the_key_is_made_once_and_readable_by_nobody_else(stage: Stage) -> None:
    service = stage.provisioning
    line = service.public_key()
    assert line.startswith("ssh-ed25519 AAAA")
    assert line == service.public_key()
    assert stat.S_IMODE(service.keys.private.stat().st_mode) == 0o600
    said = subprocess.run(["ssh-keygen", "-y", "-f", service.keys.private], capture_output=True, text=True, check=True)
    assert said.stdout.split()[:2] == line.split()[:2], "ssh can use it"
    now = stage.rooms.clock.now_ms()
    await asyncio.to_thread(backup, stage.rooms.data, stage.out / "backup", now_ms=now)
    await asyncio.to_thread(restore, stage.out / "backup", stage.out / "again")
    again = stage.out / "again" / service.keys.private.relative_to(stage.rooms.data)
    assert again.read_bytes() == service.keys.private.read_bytes(), "a restored hub still gets in"
    assert stat.S_IMODE(again.stat().st_mode) == 0o600


async def test_a_machines_host_key_is_told_and_forgotten(stage: Stage) -> None:
    keys = stage.provisioning.keys
    stage.provisioning.public_key()
    keys.known.write_text(f"pc-may-01 {stage.provisioning.public_key().rpartition(' ')[0]}\nodd line\n", "utf-8")
    [known] = stage.provisioning.known_hosts()
    said = subprocess.run(["ssh-keygen", "-lf", keys.known], capture_output=True, text=True, check=True).stdout
    assert (known.machine, known.kind) == ("pc-may-01", "ed25519")
    assert known.fingerprint in said
    await stage.provisioning.forget("pc-may-01", by="Lan")
    assert not stage.provisioning.known_hosts()
    with pytest.raises(NotFound):
        await stage.provisioning.forget("pc-may-01", by="Lan")


async def test_what_the_school_has_set_goes_along_and_touches_nobody_else(stage: Stage, playbooks: Path) -> None:
    """Variables of the school's own inventory count, with its machines left alone; the play's fixed values are given."""
    own = playbooks.parent / "own"
    (own / "group_vars").mkdir(parents=True)
    (own / "hosts.yml").write_text('{"all": {"vars": {"first": "A"}, "children": {"lab": {"hosts": {"stranger": {}}}}}}')
    (own / "group_vars" / "room_phong_tin_hoc_2_nha_d.yml").write_text("second: B\n")
    toml = stage.rooms.data / "densach.toml"
    toml.write_text(f'{toml.read_text("utf-8")}inventory = "{own}"\n', "utf-8")
    run = await stage.provisioning.start(Order(play="own", machines=("MAY-01",)), by="Lan")
    done = await stage.provisioning.wait(run.id)
    assert hosts(done) == {"MAY-01": HostState.CHANGED}, stage.provisioning.log_of(run.id)
    assert (stage.out / "own.txt").read_text("utf-8") == "A B C https://densach.lan phong-tin-hoc-2-nha-d"
    assert (own / "group_vars" / "room_phong_tin_hoc_2_nha_d.yml").exists(), "cleaning up leaves the school's own alone"


def test_every_play_on_the_list_is_as_the_list_says() -> None:
    """The real `plays.yml`: it can be read, what it names is there, and those who change nothing are not dangerous."""
    folder = PLAYBOOKS
    found = {play.file for play in plays.read(folder)}
    listed = {play.file for play in msgspec.yaml.decode((folder / "plays.yml").read_bytes(), type=Plays).plays}
    assert found == listed
