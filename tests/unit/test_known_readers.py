from pathlib import Path

from lvpipe import known_readers, readers


def names(modules) -> list[str]:
    return [module.__name__.rpartition(".")[2] for module in modules]


def test_every_reader_is_held_to_a_protocol():
    there = sorted(path.stem for path in Path(readers.__file__).parent.glob("[!_]*.py"))
    assert sorted(names(known_readers.OF_STUDIES + known_readers.OF_ESTIMATES)) == there


def test_a_given_cohort_is_known_by_what_its_reader_gives():
    assert [reader.GIVES for reader in known_readers.OF_ESTIMATES] == names(known_readers.OF_ESTIMATES)
    assert not [reader for reader in known_readers.OF_STUDIES if hasattr(reader, "GIVES")]
