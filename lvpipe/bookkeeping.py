"""`make resume` first mends what Snakemake wrote down: python -m lvpipe.bookkeeping [--directory FOLDER].

A crash of the machine, or a full disk, can cut a record of `.snakemake/metadata` off. Snakemake 9 then keeps the
output, forgets its settings and code, and says "Nothing to be done" whatever changes later; on bytes that are no text
it stops with a traceback. Such a record is removed here and its output marked as incomplete: its job runs again.
And it sweeps up the scratch files of jobs that were killed.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from lvpipe.record_names import INCOMPLETE, METADATA, output_of
from lvpipe.upkeep import sweep

_MARK = json.dumps({"external_jobid": None})
"""What Snakemake itself writes into `.snakemake/incomplete`; the name of the file is what counts."""


def mend(folder: Path) -> list[str]:
    """Remove the unreadable records of a run's folder; return the outputs that will be made again."""
    metadata, incomplete = folder / METADATA, folder / INCOMPLETE
    broken = [path for path in metadata.rglob("*") if path.is_file() and not _is_readable(path)]
    for path in broken:
        mark = incomplete / path.relative_to(metadata)
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.write_text(_MARK)
        path.unlink()
    return sorted(output_of(path.relative_to(metadata)) for path in broken)


def _is_readable(path: Path) -> bool:
    try:
        record = json.loads(path.read_bytes())
    except ValueError:  # neither JSON nor text
        return False
    return isinstance(record, dict) and isinstance(record.get("rule"), str)


def main(argv: Sequence[str] | None = None) -> None:
    """Mend the folder that these words for Snakemake name, or the working directory."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--directory", "-d", type=Path, default=Path())
    known, _ = parser.parse_known_args(argv)
    sweep(known.directory)
    for output in mend(known.directory):
        print(f"lvpipe: the record of {output} was cut off; it is made again")


if __name__ == "__main__":
    main()
