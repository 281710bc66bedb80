"""The page that shows it all."""


rule report:
    input:
        "results/crps.csv",
        "results/dice.csv",
        "results/cases.csv",
        expand("results/convert/{case}_cine.nii.gz", case=CASES),
        expand("results/convert/{case}_cine.json", case=CASES),
        expand("results/convert/{case}_reference.nii.gz", case=PLAN.drawn()),
        expand("results/train/{model}/fold-{fold}/history.csv", model=PLAN.models, fold=range(PLAN.config.folds)),
        expand("results/postprocess/{model}/{case}_mask.nii.gz", model=PLAN.models, case=CASES),
        expand("results/integrate/{model}/{case}_volumes.csv", model=PLAN.models, case=CASES),
        expand("results/integrate/{model}/{case}_areas.csv", model=PLAN.models, case=CASES),
        expand("results/calibrate/{model}/forecasts.csv", model=PLAN.models),
    output:
        report("results/report/index.html", caption="../report/index.rst", category="report"),
    log:
        "logs/report/index.log",
    conda:
        "../../envs/cpu.yaml"
    params:
        models=list(PLAN.models),
        folds=PLAN.config.folds,
        settings=lambda w: PLAN.settings("report"),
        code=PLAN.code("report"),
    shell:
        "python -m lvpipe report page --results results --models {params.models} --folds {params.folds} --out {output}"
        " --settings {params.settings:q} > {log} 2>&1"
