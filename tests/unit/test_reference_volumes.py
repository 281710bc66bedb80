import pytest

from lvpipe.cases import Labels
from lvpipe.reference_volumes import judged


@pytest.mark.parametrize(
    "volumes",
    [(120, 50), (568.6, 488.6), (9.35, 3.93), (599, 0.6), (120, None), (None, 50), (None, None)],
)
def test_volumes_of_hearts_are_taken_and_one_alone_too(volumes):
    assert judged(*volumes) == Labels(*volumes)


@pytest.mark.parametrize(
    ("edv_ml", "esv_ml", "words"),
    [
        (0, 0, "EDV 0 mL: expected 2 to 599 mL; ESV 0 mL: expected 0.6 to 599 mL"),
        (120, 0, "ESV 0 mL: expected 0.6 to 599 mL"),
        (-120, None, "EDV -120 mL: expected 2 to 599 mL"),
        (600, 50, "EDV 600 mL: expected 2 to 599 mL"),
        (60, 140, "ESV 140 mL is over EDV 60 mL: are the two swapped?"),
        (60, 60, "ESV 60 mL is the EDV too: a heart that does not beat"),
        (0.568, 0.05, "EDV 0.568 looks like litres: expected mL; ESV 0.05 looks like litres: expected mL"),
        (120, 0.05, "ESV 0.05 looks like litres: expected mL"),
        (120500.0, None, "EDV 120500 looks like mm3 (microlitres): expected mL"),
        (None, 10_000, "ESV 10000 looks like mm3 (microlitres): expected mL"),
    ],
)
def test_volumes_that_cannot_be_are_left_out_with_the_reason(edv_ml, esv_ml, words):
    assert judged(edv_ml, esv_ml) == Labels(left_out=words)


def test_a_reason_may_be_told_without_what_was_found():
    assert judged(60, 140, quoted=False).left_out == "ESV mL is over EDV mL: are the two swapped?"
