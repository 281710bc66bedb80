"""A run as a group of processes of its own: what of it is alive, and its sudden end."""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
POLL_S = 0.02
LONGEST_S = 900.0  # of one run; recipes/tiny.yaml needs about one minute on two cores
GONE_S = 10.0  # a killed process is gone within milliseconds, unless the machine is very busy


@dataclass(frozen=True)
class Stage:
    """One `lvpipe STAGE ...` process."""

    pid: int
    words: tuple[str, ...]
    started: float

    @property
    def word(self) -> str:
        return self.words[0]

    @property
    def subject(self) -> str:
        """What it works on: the spool of a network job, a case, or the file that it makes."""
        for option in ("--spool", "--case", "--pairs", "--out", "--cine", "--mask", "--volumes", "--crps", "--image"):
            if option in self.words:
                return Path(self.option(option)).name
        return ""

    def option(self, name: str) -> str:
        """The word after an option, or nothing."""
        return self.words[self.words.index(name) + 1] if name in self.words else ""

    @property
    def age_s(self) -> float:
        return time.time() - self.started


class Run:
    """One of Makefile's commands in a session of its own, as a shell's job or a batch system's would be."""

    def __init__(self, target: str, folder: Path, log: Path, cores: int) -> None:
        words = f"--directory {folder} --configfile {ROOT / 'recipes' / 'tiny.yaml'}"
        # The environment is the one that runs this: it is not to be made again, whatever the times of its files.
        command = ["make", "--assume-old=.venv/.complete", target, f"CORES={cores}", f"ARGS={words}"]
        with log.open("w") as stream:
            self._leader = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**surroundings(), "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._started = time.monotonic()

    def over(self) -> bool:
        """Whether it ended by itself."""
        if time.monotonic() - self._started > LONGEST_S:
            raise TimeoutError(f"a run takes more than {LONGEST_S:.0f} s")
        return self._leader.poll() is not None

    @property
    def code(self) -> int:
        return self._leader.wait()

    def members(self) -> list[psutil.Process]:
        """All living processes of the session, whoever their parent is by now."""
        return [process for process in psutil.process_iter() if _belongs(process, self._leader.pid)]

    def stages(self) -> list[Stage]:
        """The stage processes that are alive."""
        found = (_stage(process) for process in self.members())
        return [stage for stage in found if stage is not None]

    def is_alive(self, stage: Stage) -> bool:
        """Whether a stage's process has not ended yet."""
        return any(stage.pid == other.pid for other in self.stages())

    def kill(self) -> list[Stage]:
        """End all at once; return the stages that were alive at that moment."""
        os.killpg(self._leader.pid, signal.SIGSTOP)  # so that what is seen is what is hit
        seen = self.stages()
        os.killpg(self._leader.pid, signal.SIGKILL)
        self._leader.wait()
        return seen

    def survivors(self) -> list[str]:
        """Processes that outlive a kill."""
        deadline = time.monotonic() + GONE_S
        while (alive := self.members()) and time.monotonic() < deadline:
            time.sleep(POLL_S)
        return [str(process) for process in alive]

    def end(self) -> None:
        """Leave nothing running, whatever happened."""
        for process in self.members():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._leader.wait()


def surroundings() -> dict[str, str]:
    """This process's environment without what an outer make tells an inner one."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}


def _belongs(process: psutil.Process, session: int) -> bool:
    try:
        return os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, psutil.NoSuchProcess):
        return False


def _stage(process: psutil.Process) -> Stage | None:
    """The Python process itself, not the shell around it."""
    try:
        words: Sequence[str] = process.cmdline()
        if "python" in Path(words[0]).name and list(words[1:3]) == ["-m", "lvpipe"]:
            return Stage(process.pid, tuple(words[3:]), process.create_time())
    except (psutil.NoSuchProcess, IndexError):
        pass
    return None
