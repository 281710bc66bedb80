from pathlib import Path
from typing import Any

import pytest

from lvpipe import network_options
from lvpipe.config.cohorts import ModelEntry
from lvpipe.errors import UserError
from lvpipe.network_options import check_network, list_drawing, list_networks, read_source

ROOT = Path(__file__).parents[2]


def model(network, side_px=128, deltas=False, **options):
    window = {"side_px": side_px, "deltas": deltas}
    return ModelEntry(name="m", view="standard", network=network, options=options, window=window, masks=["drawn"])


def teller(network, makes, train=None, **window):
    """A model that regresses."""
    entry = {"name": "m", "kind": "regresses", "view": "standard", "network": network, "makes": makes}
    overrides = {"train": train or {}}
    return ModelEntry(**entry, window={"side_px": 128} | window, volumes=["measured"], overrides=overrides)


def refusal(*args, **options):
    return refusal_of(model(*args, **options))


def refusal_of(entry):
    with pytest.raises(UserError) as caught:
        check_network(entry)
    message = str(caught.value)
    assert message.startswith("models: m: ")
    assert "\n" not in message
    return message


@pytest.mark.parametrize("network", list_drawing())
def test_every_network_that_draws_takes_the_largest_usual_window_and_its_own_defaults(network):
    defaults = read_source(network).defaults
    check_network(model(network, 128, **{name: value for name, value in defaults.items() if name != "outputs"}))


@pytest.mark.parametrize("network", ["_layers", "__init__", "vnet", "../networks/unet"])
def test_what_is_no_network_is_not_there(network):
    message = refusal(network)
    assert f"network {network} is not there; known: " in message
    assert "_layers" not in message.split("known")[1]
    assert "roi_fit" not in message, "it draws nothing"


@pytest.mark.parametrize(
    ("network", "makes"),
    [("net4", "volumes"), ("net3_regression", "areas"), ("locator", "squares")],
)
def test_what_does_not_draw_is_refused(network, makes):
    message = refusal(network)
    assert f"network {network} makes {makes}, it does not draw" in message
    assert "hfcn" in message


@pytest.mark.parametrize(
    ("network", "makes", "words"),
    [
        ("net4", "areas", "network net4 makes volumes, not areas; expected one of: net3_regression"),
        ("net3_regression", "volumes", "network net3_regression makes areas, not volumes; expected one of: net4"),
        ("net3", "areas", "network net3 makes prob, not areas; expected one of: net3_regression"),
        ("fusion", "areas", "network fusion takes maps of other networks, no images; expected one of: net3_regression"),
        ("net5", "volumes", "network net5 is not there; known: net4"),
    ],
)
def test_a_model_that_regresses_has_a_network_that_makes_what_it_makes(network, makes, words):
    assert words in refusal_of(teller(network, makes))


@pytest.mark.parametrize(
    ("network", "makes", "window", "words"),
    [
        ("net4", "volumes", {}, "window.images is single, network net4 takes many images; expected slice_cycle or"),
        ("net3_regression", "areas", {"images": "study_draw"}, "takes one image; expected single"),
        ("net3_regression", "areas", {"deltas": True}, "window.deltas is true, network net3_regression takes one"),
    ],
)
def test_what_an_example_is_must_fit_what_the_network_takes(network, makes, window, words):
    assert words in refusal_of(teller(network, makes, **window))


def test_deltas_are_for_networks_of_many_channels():
    check_network(teller("net4", "volumes", images="study_draw", deltas=True))
    assert "window.deltas is true" in refusal("net3", deltas=True)


@pytest.mark.parametrize(
    ("network", "options", "words"),
    [
        ("unet", {"chanels": [8]}, "unknown key `chanels`; known: channels, residual_units, dropout"),
        ("unet", {"outputs": 2}, "unknown key `outputs`"),
        ("atrium_unet", {"x": 1}, "unknown key `x`; known: none"),
        ("unet", {"channels": "a"}, "channels is 'a'; expected a list, each a whole number of 1 or more"),
        ("unet", {"channels": [8, 0]}, "channels is [8, 0]"),
        ("unet", {"channels": [8, 1.5]}, "channels is [8, 1.5]"),
        ("unet", {"channels": []}, "channels is []"),
        ("unet", {"residual_units": True}, "residual_units is True; expected a whole number of 0 or more"),
        ("unet", {"dropout": "half"}, "dropout is 'half'; expected a number of 0 or more"),
        ("unet", {"dropout": -0.1}, "dropout is -0.1"),
        ("unet", {"dropout": float("nan")}, "dropout is nan"),
        ("net3", {"batch_norm": 1}, "batch_norm is 1; expected true or false"),
        ("hfcn", {"variant": "C"}, "variant is 'C'; expected A or B or P"),
        ("mednext", {"kernel": 4}, "kernel is 4; expected 3 or 5 or 7"),
        ("sinha_unet", {"dropout": ["a"]}, "expected a number of 0 or more or a list, each a number of 0 or more"),
    ],
)
def test_options_of_another_name_kind_or_range_are_refused(network, options, words):
    assert words in refusal(network, **options)


def test_rates_in_a_list_may_be_zero():
    check_network(model("sinha_unet", dropout=[0, 0.5] * 5))


@pytest.mark.parametrize(
    ("network", "side", "options", "words"),
    [
        ("net3", 112, {}, "window.side_px is 112, network net3 takes images of 128 x 128 alone"),
        ("net2", 256, {}, "expected `window: {side_px: 128}`"),
        ("hfcn", 100, {}, "multiples of 8 from 16 on; expected e.g. `window: {side_px: 96}`"),
        ("resunet", 16, {}, "multiples of 16 from 32 on; expected e.g. `window: {side_px: 32}`"),
        ("unet", 100, {}, "multiples of 8 from 16 on"),
        ("unet", 100, {"channels": [4, 4, 4, 4, 4, 4]}, "multiples of 32 from 64 on"),
        ("dynunet", 40, {}, "multiples of 16 from 32 on"),
    ],
)
def test_a_window_that_does_not_fit_is_refused(network, side, options, words):
    assert words in refusal(network, side, **options)


@pytest.mark.parametrize(
    ("network", "side", "options"),
    [("hfcn", 48, {}), ("unet", 100, {"channels": [4, 4, 4]}), ("atrium_unet", 101, {}), ("net1", 77, {})],
)
def test_a_window_that_fits_passes(network, side, options):
    check_network(model(network, side, **options))


def test_a_network_of_one_s_own_may_leave_its_options_without_kinds(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text("def build(outputs=1, depth=2, weight: Tensor = None):\n    return None\n")
    monkeypatch.setattr(network_options, "_NETWORKS", tmp_path)
    check_network(model("mine", depth="any", weight=[1]))
    assert "known: depth, weight" in refusal("mine", width=1)


def test_a_network_without_build_is_named(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text("x = 1\n")
    monkeypatch.setattr(network_options, "_NETWORKS", tmp_path)
    with pytest.raises(UserError, match=r"mine\.py: has no function build"):
        check_network(model("mine"))


def test_what_modules_say_of_themselves_is_one_of_the_words_there_are():
    assert {read_source(name).makes for name in list_networks()} == {"prob", "areas", "volumes", "squares"}
    assert {read_source(name).takes for name in list_networks()} <= {"image", "stack", "channels", "maps"}


def test_every_option_of_the_networks_here_has_a_kind_that_is_checked():
    kinds = {(name, option): kind for name in list_networks() for option, kind in read_source(name).kinds.items()}
    assert Any not in kinds.values()


def test_a_side_may_be_said_with_a_type(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text("SIDE: int = 64\n\ndef build(outputs=1):\n    return None\n")
    monkeypatch.setattr(network_options, "_NETWORKS", tmp_path)
    assert "images of 64 x 64 alone" in refusal("mine", 128)


def test_the_documents_have_a_row_of_every_network_that_a_model_could_name():
    rows = (ROOT / "docs" / "networks.md").read_text()
    wanted = [name for name in list_networks() if read_source(name).makes != "squares"]
    assert not [name for name in wanted if f"\n| `{name}`" not in rows]
