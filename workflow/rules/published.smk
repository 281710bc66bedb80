"""What papers report, with our figures beside theirs."""


rule published:
    input:
        papers=PLAN.published.papers(workflow.basedir),
        leaks=PLAN.published.leaks,
        tables=expand("results/{table}.csv", table=("crps", "dice", "segmentation", "cases")),
    output:
        report("results/published.csv", caption="../report/published.rst", category="published"),
    log:
        "logs/published/table.log",
    conda:
        "../../envs/cpu.yaml"
    params:
        models=list(PLAN.models),
        cohorts=PLAN.published.origins(),
        settings=lambda w: PLAN.settings("published"),
        code=PLAN.code("published"),
    shell:
        "python -m lvpipe published table --results results --papers {input.papers} --leaks {input.leaks}"
        " --models {params.models} --cohorts {params.cohorts:q} --out {output}"
        " --settings {params.settings:q} > {log} 2>&1"


rule published_sizes:
    input:
        "results/segmentation.csv",
    output:
        table="results/published/sizes.csv",
        chart=report("results/published/sizes.svg", caption="../report/sizes.rst", category="published"),
    log:
        "logs/published/sizes.log",
    conda:
        "../../envs/cpu.yaml"
    params:
        arms=PLAN.published.arms,
        code=PLAN.code("published"),
    shell:
        "python -m lvpipe published sizes --segmentation {input} --arms {params.arms:q}"
        " --table {output.table} --chart {output.chart} > {log} 2>&1"
