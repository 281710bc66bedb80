"""What submitting jobs needs beside Snakemake's own settings."""

import sys


def pass_groups_on() -> None:
    """Let the Slurm plug-in tell its job steps how jobs are grouped.

    Otherwise a job step takes a submission of many grouped cases apart and starts Snakemake anew for each, one after
    another (snakemake-executor-plugin-slurm#469, open at 2.8.0). Nothing happens where the plug-in is not installed.
    """
    plugin = sys.modules.get("snakemake_executor_plugin_slurm")  # Snakemake imports all executors that it finds
    if plugin is not None:
        plugin.common_settings.pass_group_args = True
