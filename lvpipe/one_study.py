"""`lvpipe convert DIR OUT`: one study for a person, with no cohort, configuration or key."""

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from types import ModuleType
from typing import Any

from lvpipe.arguments import add_settings, json_object
from lvpipe.cine.contact_sheet import draw_sheet
from lvpipe.cine.conversion import Conversion
from lvpipe.config.convert import ConvertSettings
from lvpipe.errors import Rejected, UserError
from lvpipe.files import write_bytes, write_json
from lvpipe.images import write_image
from lvpipe.reader_options import check_options, load_reader
from lvpipe.study import Study

_ANY_EXPORT = "folder"
"""The reader that takes whatever lies below one folder: its listing gives pseudonyms, and needs the key of these."""

_READERS = {".nii": "nifti", ".nii.gz": "nifti", ".mat": "lvquan"}
"""Which reader a single file is given to, by its ending, where none is named."""

_ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".7z", ".rar")
_NAMED_MOST = 5


def convert_one(argv: Sequence[str], description: str) -> None:
    """Write the cine, its ledger and, where it is asked for, its picture; print what came out in one line.

    Raises:
        UserError: a mistake of the user, or a study that cannot be used.
    """
    args = _parser(description).parse_args(argv)
    stem = args.out.name.removesuffix(".gz")
    if not stem.endswith(".nii"):
        raise UserError(f"{args.out.name}: not a NIfTI's name; expected OUT to end in .nii.gz or .nii")
    ledger = args.ledger or args.out.with_name(stem.removesuffix(".nii") + ".json")
    name = args.reader or next((_READERS[ending] for ending in _READERS if _ends(args.source, ending)), _ANY_EXPORT)
    study, options = _study(name, args.source, args.options)
    _require_own_files([args.out, ledger, *([args.picture] if args.picture else [])], {args.source, *study.files})
    conversion = Conversion(study, args.settings)
    reason = _write_cine(conversion, args.out)
    account = conversion.account(reason)
    write_json(ledger, {"reader": name, "options": options} | account)
    if args.picture:
        write_bytes(args.picture, draw_sheet(args.out.name, conversion.ledger, reason))
    if reason:
        raise UserError(f"rejected: {reason} ({ledger.name} has the details; {args.out.name} was not written)")
    print("; ".join([f"{args.out.name}: {_told(account)}", *_told_of_more(account), f"ledger {ledger.name}"]))


def _parser(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lvpipe convert",
        usage="lvpipe convert DIR OUT.nii.gz [--reader NAME] [--options JSON] [--settings JSON] [--ledger FILE] "
        "[--picture FILE]",
        description=description,
        epilog="The workflow's own uses: `lvpipe convert case --help`, `lvpipe convert cohort --help`. "
        "A folder of the name `case` is given as `./case`.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("source", type=Path, metavar="DIR", help="the folder or file of one study, or of one series")
    parser.add_argument("out", type=Path, metavar="OUT", help="the cine, .nii.gz or .nii; replaced if it is there")
    parser.add_argument("--reader", help="the layout: a name in lvpipe/readers (default: folder; of a file by its end)")
    parser.add_argument("--options", type=json_object, default={}, help="the reader's own, as JSON")
    parser.add_argument("--ledger", type=Path, help="what was kept, mended and dropped (default: OUT.json)")
    parser.add_argument("--picture", type=Path, help="a PNG of every slice that was found and what became of it")
    add_settings(parser, ConvertSettings, default=ConvertSettings())
    return parser


def _study(name: str, source: Path, options: Mapping[str, Any]) -> tuple[Study, dict[str, Any]]:
    """The study, and the options that it was read with."""
    try:
        reader = load_reader(name)
    except UserError as error:
        raise UserError(f"--reader: {error}") from None
    if not hasattr(reader, "read_study"):
        raise UserError(f"--reader {name}: brings estimates, no images, and there is nothing to convert")
    try:
        check_options(reader, options, whole_cohort=False)
    except UserError as error:
        raise UserError(f"--{error}") from None
    _require_source(source)
    sources, found = _sources(name, reader, source)
    options = {**found, **options}
    try:
        study: Study = reader.read_study(sources, **options)
    except NotADirectoryError:
        raise UserError(f"{source.name}: is a file; the reader {name} expects the folder of one study") from None
    return study, options


def _require_source(source: Path) -> None:
    if not source.is_dir() and any(_ends(source, ending) for ending in _ARCHIVES):
        raise UserError(f"{source.name}: is an archive; expected a folder: unpack it first")
    if not source.exists():
        raise UserError(f"{source}: is not there; expected the folder or file of one study")


def _require_own_files(outputs: Sequence[Path], inputs: Iterable[Path]) -> None:
    """Nothing that is read is overwritten, nor removed where the study is rejected; and no output by another."""
    read, written = {path.resolve() for path in inputs}, set()
    for path in outputs:
        place = path.resolve()
        if place in read:
            raise UserError(f"{path.name}: is one of the files that are read; expected another name to write to")
        if place in written:
            raise UserError(f"{path.name}: OUT, --ledger and --picture name it twice; expected a file for each")
        written.add(place)


def _sources(name: str, reader: ModuleType, source: Path) -> tuple[list[Path], dict[str, Any]]:
    """What holds the study, and the options that the reader's listing has for it.

    A folder that the reader lists no case in is that of the study itself.
    """
    listed = reader.list_cases(source) if source.is_dir() and name != _ANY_EXPORT else []
    if len(listed) > 1:
        names = ", ".join(case.name for case in listed[:_NAMED_MOST]) + (", ..." if len(listed) > _NAMED_MOST else "")
        raise UserError(
            f"{source}: holds {len(listed)} cases ({names}); expected one: name its own folder or file, "
            f"or give them to the workflow as a cohort"
        )
    if not listed:
        return [source], {}
    return [source / part for part in listed[0].sources], listed[0].options


def _ends(source: Path, ending: str) -> bool:
    return source.name.lower().endswith(ending)


def _write_cine(conversion: Conversion, out: Path) -> str:
    """Why the study was rejected, and then no cine is there; "" where it was not."""
    try:
        cine, _ = conversion.images()
    except Rejected as error:
        out.unlink(missing_ok=True)
        return str(error)
    write_image(out, cine, zipped=out.suffix == ".gz")
    return ""


def _told(account: Mapping[str, Any]) -> str:
    dy, dx = account["spacing_mm"]
    size = f"{dx:.2f} x {dy:.2f} x {account['slice_spacing_mm']:.2f} mm"
    steps_ms = [b - a for a, b in pairwise(account["times_ms"])]
    time = f", {median(steps_ms):.1f} ms a frame" if steps_ms else ""
    frames = f"{account['frames']} frame{'s' if steps_ms else ''}"
    return f"{account['slices']} slices x {frames}, {size}{time}"


def _told_of_more(account: Mapping[str, Any]) -> Iterator[str]:
    """Events by rule, and what else was in the folder."""
    for title, words in (
        ("events", Counter(event["rule"] for event in account["events"])),
        ("also seen", Counter(row["why"] for row in account["seen"])),
    ):
        if words:
            yield f"{title}: " + ", ".join(f"{count} {word}" for word, count in words.most_common())
