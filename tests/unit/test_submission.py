import pytest

from lvpipe.submission import pass_groups_on


def test_the_plugin_is_told_to_pass_groups_on(monkeypatch):
    plugin = pytest.importorskip("snakemake_executor_plugin_slurm", reason="make slurm")
    monkeypatch.setattr(plugin.common_settings, "pass_group_args", False)
    pass_groups_on()
    assert plugin.common_settings.pass_group_args
