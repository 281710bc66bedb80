import pytest
from studies import Shot, plane, stack, write_shots

from lvpipe.cases import Case
from lvpipe.cine.conversion import Conversion
from lvpipe.cine.ledger_table import COLUMNS, ledger_rows
from lvpipe.cine.rules import RULES
from lvpipe.config.convert import ConvertSettings
from lvpipe.errors import Rejected
from lvpipe.files import read_table, write_json, write_table


def test_one_row_a_case_and_one_column_a_rule(tmp_path):
    shots = [*stack(), Shot(plane(20), series=9, run="sax_9"), Shot(plane(21), series=10, run="sax_10")]
    good = Conversion(write_shots(tmp_path / "a", shots), ConvertSettings())
    good.images()
    write_json(tmp_path / "a_cine.json", good.account())
    bad = Conversion(write_shots(tmp_path / "b", stack((0,))), ConvertSettings())
    with pytest.raises(Rejected) as reason:
        bad.images()
    write_json(tmp_path / "b_cine.json", bad.account(str(reason.value)))
    cases = [Case(name, "some", name, "train", 0, ()) for name in ("a", "b")]
    write_table(tmp_path / "ledger.csv", COLUMNS, ledger_rows(cases, tmp_path))
    first, second = read_table(tmp_path / "ledger.csv")
    assert set(RULES) < set(first)
    assert (first["case"], first["status"], first["complete"], first["files"], first["frames"]) == (
        *("a", "ok", "True", "56", "8"),
    )
    assert [first[f"slices_{fate}"] for fate in ("found", "kept", "mended", "dropped", "rejected")] == list("75020")
    assert {rule: first[rule] for rule in RULES if first[rule] != "0"} == {
        "drop_between": "1",
        "keep_last_acquired": "1",
    }
    assert [second[f"slices_{fate}"] for fate in ("found", "kept", "rejected")] == ["1", "0", "1"]
    assert (second["status"], second["reason"], second["reject_few_slices"]) == ("rejected", str(reason.value), "1")
