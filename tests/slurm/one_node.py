"""A Slurm of one node on this very machine, with a stand-in GPU, for as long as a command runs.

    python tests/slurm/one_node.py COMMAND...

It needs root, installs Debian's packages where they are absent, never touches a Slurm that is here already, and keeps
all of its state in a folder that is gone afterwards; so is /etc/slurm/slurm.conf, and so are its daemons.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

# This very path: a job step of the plug-in drops SLURM_CONF from its environment.
ETC = Path("/etc/slurm")
MARK = "# Written by lvpipe's tests/slurm/one_node.py, and removed by it.\n"
PACKAGES = {"munged": "munge", "slurmctld": "slurmctld", "slurmd": "slurmd", "sbatch": "slurm-client"}
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


def check() -> None:
    """Install what is missing.

    Raises:
        Absent: no root, a Slurm that is not ours, or packages that cannot be had.
    """
    if os.geteuid() != 0:
        raise Absent("a Slurm of one node needs root")
    conf = ETC / "slurm.conf"
    if conf.exists() and not conf.read_text().startswith(MARK):
        raise Absent(f"{conf} belongs to another Slurm, which is left alone")
    if conf.exists() and "UP" in said("scontrol", "ping"):
        raise Absent("another run of this script has its Slurm here now")
    missing = [package for program, package in PACKAGES.items() if shutil.which(program) is None]
    if missing and not install(missing):
        raise Absent(f"missing, and not to be had by apt-get install: {' '.join(missing)}")


def install(packages: list[str]) -> bool:
    """Debian's own packages; whether they are there now. Their services are not started: these daemons are ours."""
    if shutil.which("apt-get") is None:
        return False
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    words = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *packages]
    for command in (["apt-get", "update", "--quiet"], words):
        subprocess.run(command, env=quiet, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return all(shutil.which(program) for program in PACKAGES)


@contextmanager
def slurm(cpus: int | None = None) -> Iterator[Path]:
    """Yield the folder of a running Slurm's state and logs; stop all of it afterwards, whatever happened."""
    check()
    with ExitStack() as stack:
        # A plain SIGTERM (of `timeout`, of a cancelled CI job) would end Python at once and leave the daemons.
        before = signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
        stack.callback(signal.signal, signal.SIGTERM, before)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lvpipe-slurm-")))
        folder.chmod(0o755)  # munge wants to be reached by every user
        for name in ("state", "spool"):
            (folder / name).mkdir()
        write_conf(folder, cpus or os.cpu_count() or 1)
        stack.callback(remove_conf)
        key = folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        own = [f"--{part}-file={folder}/munge.{part}" for part in ("key", "log", "pid", "seed")]
        munged = ["munged", "--foreground", "--force", f"--socket={folder}/munge.socket", *own]
        stack.enter_context(daemon(munged, folder))
        wait(lambda: (folder / "munge.socket").exists(), "munged", folder)
        stack.enter_context(daemon(["slurmctld", "-D", "-i"], folder))
        stack.enter_context(daemon(["slurmd", "-D"], folder))
        wait(lambda: said("sinfo", "--noheader", "--format=%T") == "idle", "Slurm", folder)
        stack.callback(end_jobs)
        yield folder


def write_conf(folder: Path, cpus: int) -> None:
    """The two files that every Slurm command reads."""
    host = socket.gethostname().partition(".")[0]
    ETC.mkdir(exist_ok=True)
    conf = CONF.format(host=host, folder=folder, cpus=cpus, memory_mb=MEMORY_MB)
    (ETC / "slurm.conf").write_text(MARK + conf)
    (ETC / "gres.conf").write_text(MARK + GRES)


def remove_conf() -> None:
    """Take away what write_conf wrote."""
    for name in ("slurm.conf", "gres.conf"):
        (ETC / name).unlink(missing_ok=True)


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
            code = subprocess.run(sys.argv[1:], check=False).returncode
    except Absent as reason:
        sys.exit(f"tests/slurm/one_node.py: {reason}")
    sys.exit(code)


if __name__ == "__main__":
    main()
