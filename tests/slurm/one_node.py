"""A Slurm of one node on this very machine, with a stand-in GPU, for as long as a command runs.

    python tests/slurm/one_node.py COMMAND...

It needs root, installs Debian's packages where they are absent (they stay), never touches a Slurm that is here already,
and keeps all of its state in a folder that is gone afterwards; so is /etc/slurm/slurm.conf, and so are its daemons.
What a run left that was killed with SIGKILL, the next run takes away.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

# This very path: a job step of the plug-in drops SLURM_CONF from its environment.
ETC = Path("/etc/slurm")
MARK = "# Written by lvpipe's tests/slurm/one_node.py, and removed by it.\n"
CONFS = ("slurm.conf", "gres.conf", "cgroup.conf")
"""What makes a Slurm somebody's; the last is never written here, but would be read."""
POLICY = Path("/usr/sbin/policy-rc.d")
"""What Debian's packages ask before they start a service; 101 forbids it."""
POLICY_TEXT = f"#!/bin/sh\n{MARK}exit 101\n"
PREFIX = "lvpipe-slurm-"
ALONE = "\0lvpipe-one-node-slurm"
"""A socket's name without a file (abstract): the kernel frees it when its holder dies, however that happens."""
PACKAGES = {"munged": "munge", "slurmctld": "slurmctld", "slurmd": "slurmd", "sbatch": "slurm-client"}
DAEMONS = ("munged", "slurmctld", "slurmd", "slurmstepd")
PATIENCE_S = 60
"""Longest wait for a daemon to answer or to end: on a busy machine they take seconds."""

# A node may claim more than the machine has (config_overrides): what is asked for is tested, not the hardware.
CONF = """\
ClusterName=lvpipe
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort=26817
SlurmdPort=26818
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=2
ReturnToService=2
MinJobAge=3600
MpiDefault=none
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory_mb} Gres=gpu:1 State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""
GRES = "Name=gpu File=/dev/null\n"
MEMORY_MB = 16_000


class Absent(Exception):
    """Why there can be no Slurm here."""


def ours(path: Path) -> bool:
    """Whether this script wrote the file."""
    return path.is_file() and MARK in path.read_text(errors="replace")


def refuse() -> None:
    """Before anything is written.

    Raises:
        Absent: no root, or a Slurm that is not ours.
    """
    if os.geteuid() != 0:
        raise Absent("a Slurm of one node needs root")
    if "SLURM_CONF" in os.environ:
        raise Absent(f"SLURM_CONF={os.environ['SLURM_CONF']} names another Slurm, which is left alone")
    for path in (ETC / name for name in CONFS):
        if os.path.lexists(path) and not ours(path):
            raise Absent(f"{path} belongs to another Slurm, which is left alone")


def refuse_configured() -> None:
    """After what is ours is gone: a Slurm configured by other means (another build's folder, DNS), running or not.

    Raises:
        Absent: scontrol knows a controller.
    """
    answer = said("scontrol", "ping") if shutil.which("scontrol") else ""
    if "Slurmctld" in answer:
        raise Absent(f"another Slurm is left alone: {answer.splitlines()[0]}")


def provide() -> None:
    """Install what is missing.

    Raises:
        Absent: packages that cannot be had.
    """
    missing = [package for program, package in PACKAGES.items() if shutil.which(program) is None]
    if missing and not install(missing):
        raise Absent(f"missing, and not to be had by apt-get install: {' '.join(missing)}")


def install(packages: list[str]) -> bool:
    """Debian's own packages; whether they are there now. Their services are not started: these daemons are ours."""
    if shutil.which("apt-get") is None:
        return False
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    words = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *packages]
    with no_services():
        for command in (["apt-get", "update", "--quiet"], words):
            subprocess.run(command, env=quiet, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return all(shutil.which(program) for program in PACKAGES)


@contextmanager
def no_services() -> Iterator[None]:
    """Packages installed in the block start nothing. A policy that is here already is asked, and left as it is.

    Raises:
        Absent: that policy would let munge be started.
    """
    if os.path.lexists(POLICY):
        if subprocess.run([POLICY, "munge", "start"], capture_output=True, check=False).returncode != 101:
            raise Absent(f"{POLICY} lets the services of munge and Slurm start: install their packages yourself")
        yield
        return
    put(POLICY, POLICY_TEXT, 0o755)
    try:
        yield
    finally:
        POLICY.unlink()


@contextmanager
def alone() -> Iterator[None]:
    """No second run of this script in the block: they would share /etc/slurm and the ports.

    Raises:
        Absent: another run lives.
    """
    with socket.socket(socket.AF_UNIX) as holder:
        try:
            holder.bind(ALONE)
        except OSError:
            raise Absent("another run of this script has its Slurm here now") from None
        yield


@contextmanager
def place() -> Iterator[None]:
    """In the block a Slurm may be made here, and all that it takes is installed.

    Raises:
        Absent: there can be none here.
    """
    refuse()
    with alone():
        clear()
        refuse_configured()
        provide()
        yield


@contextmanager
def slurm(cpus: int | None = None) -> Iterator[Path]:
    """Yield the folder of a running Slurm's state and logs; stop all of it afterwards, whatever happened.

    Raises:
        Absent: there can be none here.
    """
    with ExitStack() as stack:
        # A plain SIGTERM (of `timeout`, of a cancelled CI job) would end Python at once and leave the daemons.
        before = signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
        stack.callback(signal.signal, signal.SIGTERM, before)
        stack.enter_context(place())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=PREFIX)))
        folder.chmod(0o755)  # munge wants to be reached by every user
        for name in ("state", "spool"):
            (folder / name).mkdir()
        stack.callback(remove_files)
        write_conf(folder, cpus or os.cpu_count() or 1)
        start(folder, stack)
        stack.callback(end_jobs)
        yield folder


def start(folder: Path, stack: ExitStack) -> None:
    """Munge and the two daemons of Slurm. Each has its log in the folder open, by which `clear` knows it."""
    key = folder / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o600)
    own = [f"--{part}-file={folder}/munge.{part}" for part in ("key", "log", "pid", "seed")]
    munged = ["munged", "--foreground", "--force", f"--socket={folder}/munge.socket", *own]
    stack.enter_context(daemon(munged, folder))
    wait(lambda: (folder / "munge.socket").exists(), "munged", folder)
    for command in (["slurmctld", "-i"], ["slurmd"]):
        stack.enter_context(daemon([*command, "-D", "-f", str(ETC / "slurm.conf")], folder))
    wait(lambda: said("sinfo", "--noheader", "--format=%T") == "idle", "Slurm", folder)


def clear() -> None:
    """Take away what a run left that was killed: its daemons, jobs, folder and files. That it is dead `alone` knows."""
    conf = ETC / "slurm.conf"
    named = re.search(rf"^StateSaveLocation=(/.*/{PREFIX}\w+)/state$", conf.read_text(), re.M) if ours(conf) else None
    if named:
        wait(lambda: not kill(daemons(Path(named[1]))), "the end of a killed run's daemons", None)
        shutil.rmtree(named[1], ignore_errors=True)
    remove_files()


def daemons(folder: Path) -> dict[int, str]:
    """Process ids and names of the daemons, slurmstepd of each job included, that have a file of this folder open."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # ended just now
            name = (process / "comm").read_text().strip()
            if name in DAEMONS and any(is_in(folder, handle) for handle in (process / "fd").iterdir()):
                found[int(process.name)] = name
    return found


def is_in(folder: Path, handle: Path) -> bool:
    """Whether an entry of /proc/ID/fd is a file in the folder; one that is closed by now is not."""
    with suppress(OSError):
        return handle.readlink().is_relative_to(folder)
    return False


def kill(processes: Iterable[int]) -> bool:
    """Kill these and all that descend from them, which with slurmstepd is the job; whether there were any."""
    family = [process for parent in processes for process in (parent, *descendants(parent))]
    for process in family:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    return bool(family)


def descendants(parent: int) -> list[int]:
    """Children, their children, and so on."""
    found = []
    for path in Path(f"/proc/{parent}/task").glob("*/children"):
        with suppress(OSError):
            children = [int(word) for word in path.read_text().split()]
            found += [process for child in children for process in (child, *descendants(child))]
    return found


def put(path: Path, text: str, mode: int = 0o644) -> None:
    """Write at once: a file without its mark would be taken for somebody else's."""
    fresh = path.with_name(f".{path.name}.lvpipe")
    fresh.write_text(text)
    fresh.chmod(mode)
    fresh.rename(path)


def write_conf(folder: Path, cpus: int) -> None:
    """The two files that every Slurm command reads."""
    host = socket.gethostname().partition(".")[0]
    ETC.mkdir(exist_ok=True)
    conf = CONF.format(host=host, folder=folder, cpus=cpus, memory_mb=MEMORY_MB)
    put(ETC / "slurm.conf", MARK + conf)
    put(ETC / "gres.conf", MARK + GRES)


def remove_files() -> None:
    """Take away what this script wrote outside its folder, and nothing else."""
    for path in (*(ETC / name for name in CONFS), POLICY):
        if ours(path):
            path.unlink()


@contextmanager
def daemon(command: list[str], folder: Path) -> Iterator[None]:
    """A daemon in the foreground, ended with the block."""
    with (folder / f"{command[0]}.out").open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def end_jobs() -> None:
    """Jobs outlive slurmd: cancel them first, and wait until none is left."""
    said("scancel", "--user=root")
    wait(lambda: not said("squeue", "--noheader", "--states=running,completing,pending"), "scancel", None)


def said(*command: str) -> str:
    """What a command prints; nothing where it fails."""
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def wait(happened: Callable[[], bool], what: str, folder: Path | None) -> None:
    """Ask until it happened; after the longest wait say what the daemons said."""
    end = time.monotonic() + PATIENCE_S
    while not happened():
        if time.monotonic() > end:
            logs = sorted(folder.glob("*.out")) + sorted(folder.glob("*.log")) if folder else []
            raise RuntimeError("\n".join([f"{what} did not answer", *(log.read_text()[-2000:] for log in logs)]))
        time.sleep(0.1)


def main() -> None:
    """Run a command with a Slurm around it."""
    try:
        with slurm():
            # A command that outlived a killed run would go on to use the next one's Slurm.
            code = subprocess.run(["setpriv", "--pdeathsig", "TERM", *sys.argv[1:]], check=False).returncode
    except Absent as reason:
        sys.exit(f"tests/slurm/one_node.py: {reason}")
    sys.exit(code)


if __name__ == "__main__":
    main()
