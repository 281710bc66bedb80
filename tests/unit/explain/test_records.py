from lvpipe.explain.records import Records


def test_a_record_is_read_by_the_name_of_the_file(run):
    run("source")
    run("results/a", inputs=["source"], rule="first", params=["x"])
    record = Records(run.folder).read("results/a")
    assert (record.rule, record.inputs, record.params) == ("first", ("source",), ("'x'",))
    assert set(record.checksums) == {"source"}
    assert len(record.checksums["source"]) == 64


def test_what_is_not_there_or_broken_is_none(run):
    run("results/a", inputs=[])
    records = Records(run.folder)
    assert records.read("results/b") is None
    next((run.folder / ".snakemake" / "metadata").iterdir()).write_text("{")
    assert records.read("results/a") is None


def test_a_folder_in_which_nothing_ran(tmp_path):
    assert not Records(tmp_path).exist
    assert Records(tmp_path).read("results/a") is None
