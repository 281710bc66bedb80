"""One training for each choice of settings, then a table of how well each did."""


# A trial is a model, and is trained as any other is; nobody needs its weights.
use rule train as search_trial with:
    output:
        model=temp("results/search/{model}/fold-{fold}/model.safetensors"),
        history="results/search/{model}/fold-{fold}/history.csv",
    log:
        "logs/search/{model}/fold-{fold}.log",
    wildcard_constraints:
        model=one_of(PLAN.search.trials),
    params:
        diverged="note",
        spool=".spool/search/{model}/fold-{fold}",


rule search:
    input:
        lambda w: PLAN.search.histories(w.search),
    output:
        table="results/search/{search}/trials.csv",
        chart=report("results/search/{search}/trials.svg", caption="../report/trials.rst", category="search"),
        best="results/search/{search}/best.yaml",
    log:
        "logs/search/{search}.log",
    conda:
        "../../envs/cpu.yaml"
    params:
        settings=lambda w: PLAN.search.settings(w.search),
        code=PLAN.code("search"),
    shell:
        "python -m lvpipe search --histories {input} --table {output.table} --chart {output.chart} --best {output.best}"
        " --settings {params.settings:q} > {log} 2>&1"
