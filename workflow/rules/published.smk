"""What papers report, with our figures beside theirs."""


rule published:
    input:
        papers=PLAN.published.papers(workflow.basedir),
        leaks=PLAN.published.leaks,
        sigma=PLAN.published.sigma_tables,
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


rule published_sigma:
    input:
        cases="results/convert/cases.csv",
        volumes=lambda w: PLAN.measured_by(PLAN.config.published.sigma.model, "volumes"),
        pairs=lambda w: PLAN.measured_by(PLAN.config.published.sigma.model, "pairs"),
    output:
        table="results/published/sigma.csv",
        map="results/published/sigma_map.csv",
        expected="results/published/sigma_expected.csv",
        picture=report("results/published/sigma.svg", caption="../report/sigma.rst", category="published"),
    log:
        "logs/published/sigma.log",
    conda:
        "../../envs/cpu.yaml"
    params:
        settings=lambda w: PLAN.settings("published"),
        code=PLAN.code("published"),
    shell:
        "python -m lvpipe published sigma --cases {input.cases} --volumes {input.volumes} --pairs {input.pairs}"
        " --table {output.table} --map {output.map} --expected {output.expected} --picture {output.picture}"
        " --settings {params.settings:q} > {log} 2>&1"
