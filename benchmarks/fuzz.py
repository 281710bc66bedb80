"""Damaged DICOM files through `convert`: does it hang, grow, raise, or move or lose anything in silence.

python benchmarks/fuzz.py [--files 5000] [--seed 1] [--commands 50] [--only KIND ...]

Prints a table of what became of the studies that were damaged in each way, the longest and the largest of them, and
every fault with the words that bring it back. Exit code 1 where there was a fault.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from random import Random

HOME = Path(__file__).parent.parent
sys.path.insert(0, str(HOME / "tests" / "unit"))

from fuzzing import LONGEST_S, Fuzz, Verdict, kinds, tabulated  # noqa: E402 - the tests' own harness
from mutations import HEAVY  # noqa: E402

from lvpipe.config.convert import ConvertSettings  # noqa: E402

HEAVY_EACH = 2


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--commands", type=int, default=50)
    parser.add_argument("--only", nargs="*", default=[])
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        fuzz = Fuzz(Path(folder) / "7")
        verdicts = attack(fuzz, args.files, args.seed, args.only)
        commands = [run_command(fuzz, Path(folder), kind, args.seed) for kind in drawn(args.commands, args.seed)]
    print("\n".join(tabulated(verdicts)))
    print(f"\nlongest {max(v.seconds for v in verdicts):.2f} s, largest {max(v.peak_mb for v in verdicts):.0f} MB")
    print(f"by command: {len(commands)} studies, {sum(bool(v.faults) for v in commands)} with faults")
    for reason, count in Counter(v.reason for v in verdicts if v.reason).most_common(12):
        print(f"rejected {count}: {reason}")
    faults = Counter((v.kind, fault) for v in [*verdicts, *commands] for fault in v.faults)
    for (kind, fault), count in faults.most_common():
        print(f"FAULT {count} x {kind}: {fault}")
    return bool(faults)


def attack(fuzz: Fuzz, files: int, seed: int, only: list[str]) -> list[Verdict]:
    """Kind after kind in turn until so many files have been damaged, and each heavy kind a few times."""
    wanted = only or kinds()
    verdicts: list[Verdict] = []
    while sum(v.mutated for v in verdicts) < files:
        number = seed * 1_000_000 + len(verdicts)
        verdicts.append(fuzz.attack(wanted[len(verdicts) % len(wanted)], number))
        for fault in verdicts[-1].faults:
            print(f"{verdicts[-1].kind}, {number}: {fault}", file=sys.stderr)
    return verdicts + [fuzz.attack(kind, n) for kind in HEAVY if not only for n in range(HEAVY_EACH)]


def drawn(count: int, seed: int) -> list[str]:
    return [Random(f"{seed} {n}").choice(kinds()) for n in range(count)]


def run_command(fuzz: Fuzz, folder: Path, kind: str, seed: int) -> Verdict:
    """The same through the command line, as the workflow runs it."""
    verdict = Verdict(kind)
    words = [sys.executable, "-m", "lvpipe", "convert", "case", "--reader", "kaggle", "--case", "7", "--cohort", "some"]
    words += ["--sources", str(fuzz.root), "--cine", str(folder / "c.nii.gz"), "--ledger", str(folder / "c.json")]
    try:
        fuzz.damage(kind, Random(f"{kind} {seed}"))
        done = subprocess.run(
            [*words, "--settings", ConvertSettings().canonical()],
            capture_output=True,
            text=True,
            timeout=LONGEST_S,
            check=False,
            cwd=HOME,
        )
        if done.returncode or done.stderr:
            verdict.faults.append(f"command ends with {done.returncode}: {done.stderr[-200:]}")
        verdict.outcome = json.loads((folder / "c.json").read_text())["status"]
    except subprocess.TimeoutExpired:
        verdict.faults.append(f"command hangs: over {LONGEST_S:.0f} s")
    finally:
        fuzz.mend()
    return verdict


if __name__ == "__main__":
    sys.exit(main())
