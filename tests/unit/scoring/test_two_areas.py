from lvpipe.files import read_table, write_table
from lvpipe.scoring.areas import WINDOWS
from lvpipe.scoring.two_areas import SUMMARY, write_two_areas

ROWS = (
    (0, "a", 0, 0, "heart", 20.0, 16.0, 19.0),
    (0, "a", 0, 1, "heart", 10.0, 8.0, 11.0),
    (1, "b", 0, 1, "heart", 0.0, 3.0, 0.5),
    (1, "b", 0, 1, "left", 0.0, 1.0, 0.0),
    (1, "b", 0, 1, "above", 0.0, 2.0, 0.0),
)


def test_the_folds_make_one_table_and_a_picture_of_four_panels(tmp_path):
    tables = [tmp_path / f"{fold}.csv" for fold in (0, 1)]
    for fold, table in enumerate(tables):
        write_table(table, WINDOWS, [dict(zip(WINDOWS, row, strict=True)) for row in ROWS if row[0] == fold])
    summary, picture = tmp_path / "summary.csv", tmp_path / "picture.svg"
    write_two_areas(tables, summary, picture, "head")
    rows = read_table(summary)
    assert tuple(rows[0]) == SUMMARY
    assert [(row["set"], row["by"], row["windows"], row["bias_percent"], row["mae_percent"]) for row in rows] == [
        ("cavity", "counted", "2", "-3", "3"),
        ("cavity", "told", "2", "0", "1"),
        ("blank", "counted", "1", "3", "3"),
        ("blank", "told", "1", "0.5", "0.5"),
        ("beside", "counted", "2", "1.5", "1.5"),
        ("beside", "told", "2", "0", "0"),
    ]
    text = picture.read_text()
    assert text.count("aria-label") == 4
    assert text.count("<circle") == 2 * 2
    assert "mean 2.00" in text


def test_a_run_without_windows_has_empty_panels(tmp_path):
    write_table(tmp_path / "0.csv", WINDOWS, [])
    write_two_areas([tmp_path / "0.csv"], tmp_path / "s.csv", tmp_path / "p.svg", "head")
    assert {row["windows"] for row in read_table(tmp_path / "s.csv")} == {"0"}
    assert "nan" not in (tmp_path / "p.svg").read_text()
