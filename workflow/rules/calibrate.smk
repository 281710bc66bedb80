"""A forecast for every case, learnt on out-of-fold volumes."""


rule calibrate:
    input:
        cases="results/convert/cases.csv",
        volumes=expand("results/integrate/{{model}}/{cohort}_volumes.csv", cohort=PLAN.cohorts),
        pairs=expand("results/integrate/{{model}}/{cohort}_pairs.csv", cohort=PLAN.cohorts),
    output:
        calibrator="results/calibrate/{model}/calibrator.json",
        forecasts="results/calibrate/{model}/forecasts.csv",
    log:
        "logs/calibrate/{model}.log",
    conda:
        "../../envs/cpu.yaml"
    params:
        settings=lambda w: PLAN.settings("calibrate", w.model),
        code=PLAN.code("calibrate"),
    shell:
        "python -m lvpipe calibrate --cases {input.cases} --volumes {input.volumes} --pairs {input.pairs}"
        " --calibrator {output.calibrator} --forecasts {output.forecasts}"
        " --settings {params.settings:q} > {log} 2>&1"
