"""The steps that teach the networks of `lbp_cnn`, run as the rules run them."""

import pytest
from drawn_cases import words, write_cases
from drawn_hearts import QUICK, ring_lesson
from stopping import stop_at

from lvpipe.config.detect import CascadeSettings, ClassifierSettings, FitterSettings
from lvpipe.detection.cascade.training import learn_cascade
from lvpipe.detection.cascade.xml import write_cascade
from lvpipe.detection.parts import NETWORKS
from lvpipe.files import read_table
from lvpipe.images import write_rejected
from lvpipe.learning.loop import HISTORY
from lvpipe.learning.weights import build_network, read_network

pytestmark = pytest.mark.usefixtures("torch_as_it_was")

SHORT = {"epochs": 3, "patience": 3, "batch_images": 8, "precision": "float32", "slice_images": 8}
SETTINGS = {"classifier": ClassifierSettings(**SHORT), "fitter": FitterSettings(**SHORT)}
PARTS = pytest.mark.parametrize("part", SETTINGS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Cases `c0` to `c3`, and `r` that was rejected; a cascade of two stages."""
    folder = tmp_path_factory.mktemp("networks")
    write_cases(folder, range(4))
    write_rejected(folder / "r_cine.nii.gz", folder / "r_reference.nii.gz")
    short = CascadeSettings(**{**QUICK, "positives": 60, "stages": 2})
    write_cascade(folder / "cascade.xml", learn_cascade([ring_lesson(i) for i in range(3)], short).cascade)
    return folder


def teaching(part, folder, out, **changes):
    given = {"learn": ["c0", "c1", "c2"], "watch": ["c3"], "settings": SETTINGS[part], **changes}
    return words(part, folder, out=out, **given)


def outputs(folder, *names):
    return [[(folder / f"{name}{end}").read_bytes() for end in (".safetensors", ".csv")] for name in names]


@PARTS
def test_the_step_writes_its_network_and_history(lvpipe, folder, part, capsys):
    assert lvpipe(*teaching(part, folder, f"{part}-one", learn=["c0", "c1", "r"])) == 0
    history = read_table(folder / f"{part}-one.csv")
    assert tuple(history[0]) == HISTORY
    assert [row["epoch"] for row in history] == ["1", "2", "3"]
    shapes = {name: tensor.shape for name, tensor in build_network(NETWORKS[part], {}).state_dict().items()}
    found = read_network(folder / f"{part}-one.safetensors")
    assert {name: tensor.shape for name, tensor in found.state_dict().items()} == shapes
    told = capsys.readouterr().out
    assert "learning from 16 examples of 2 cases, watching 8 of 1" in told
    assert "r: left out of training" in told
    assert not (folder / "kept").exists()


@PARTS
def test_the_same_training_has_the_same_bytes(lvpipe, folder, part):
    other = SETTINGS[part].model_copy(update={"seed": 2})
    for name, settings in (("first", SETTINGS[part]), ("again", SETTINGS[part]), ("other", other)):
        assert lvpipe(*teaching(part, folder, f"{part}-{name}", settings=settings)) == 0
    first, again, third = outputs(folder, *(f"{part}-{name}" for name in ("first", "again", "other")))
    assert first == again
    assert first[0] != third[0]


@PARTS
@pytest.mark.parametrize("code", ["x", "y"])
def test_a_stopped_training_goes_on_to_the_same_bytes(lvpipe, folder, part, code, monkeypatch, capsys):
    """One of other code is another training, which starts anew."""
    with monkeypatch.context() as patch:
        stop_at(patch, 2)
        with pytest.raises(KeyboardInterrupt):
            lvpipe(*teaching(part, folder, f"{part}-stopped-{code}"))
    assert not (folder / f"{part}-stopped.safetensors").exists()
    capsys.readouterr()
    assert lvpipe(*teaching(part, folder, f"{part}-stopped-{code}", code=code)) == 0
    told = capsys.readouterr().out
    assert ("going on after epoch 1 of 3" in told, "epoch 1/3" in told) == (code == "x", code == "y")
    assert lvpipe(*teaching(part, folder, f"{part}-whole")) == 0
    stopped, whole = outputs(folder, f"{part}-stopped-{code}", f"{part}-whole")
    assert stopped == whole
    assert not (folder / "kept").exists()


@PARTS
def test_one_case_is_too_few(lvpipe, folder, part, capsys):
    assert lvpipe(*teaching(part, folder, "none", learn=["c0"], watch=["r"])) == 1
    error = capsys.readouterr().err
    assert "drawn hearts in" in error
    assert error.count("\n") == 1
    assert not (folder / "none.safetensors").exists()
