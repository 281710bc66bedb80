"""A forecast for every case, learnt on out-of-fold volumes."""


# One thread of linear algebra: another number of them would round differently, and jobs run side by side.
rule calibrate:
    input:
        cases="results/convert/cases.csv",
        volumes=lambda w: PLAN.measured_by(w.model, "volumes"),
        pairs=lambda w: PLAN.measured_by(w.model, "pairs"),
    output:
        calibrator="results/calibrate/{model}/calibrator.json",
        forecasts="results/calibrate/{model}/forecasts.csv",
        fallbacks="results/calibrate/{model}/fallbacks.csv",
        ejection="results/calibrate/{model}/ejection.csv",
    log:
        "logs/calibrate/{model}.log",
    conda:
        "../../envs/cpu.yaml"
    params:
        members=lambda w: PLAN.combining.get(w.model, []),
        settings=lambda w: PLAN.settings("calibrate", w.model),
        code=PLAN.code("calibrate"),
    shell:
        "OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 python -m lvpipe calibrate --cases {input.cases} --members {params.members} --volumes {input.volumes} --pairs {input.pairs}"
        " --calibrator {output.calibrator} --forecasts {output.forecasts} --fallbacks {output.fallbacks}"
        " --ejection {output.ejection}"
        " --settings {params.settings:q} > {log} 2>&1"
