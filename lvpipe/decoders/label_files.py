"""The files of labels that belong to an image: those that can be used, and why others cannot."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from lvpipe.cine.ledger import DIGEST_SHOWN
from lvpipe.study import ImageFile, LabelFile, Note, Read, Unreadable

Found = TypeVar("Found")


def usable_labels(
    file: ImageFile, read: Read, word: str, decode: Callable[[LabelFile, bytes], Found], notes: list[Note]
) -> Iterator[tuple[str, Found]]:
    """What was drawn, with each file's name for the ledger; one that cannot be used is noted, and the image stays."""
    for label in file.labels:
        name = word
        try:
            content = read(label.path)
            name = f"{word} {content.sha256[:DIGEST_SHOWN]}"
            found = decode(label, content.data)
        except Unreadable as error:
            notes.append(Note("drop_labels", f"{name}: {error}; dropped"))
            continue
        yield name, found
