"""The page that shows it all."""


rule report:
    input:
        "results/crps.csv",
        "results/dice.csv",
        "results/segmentation.csv",
        "results/cases.csv",
        "results/convert/cases.csv",
        expand("results/convert/{case}_cine.nii.gz", case=CINES),
        expand("results/convert/{case}_cine.json", case=CINES),
        expand("results/convert/{case}_reference.nii.gz", case=PLAN.drawn()),
        expand("results/resample/{view}/{case}_cine.nii.gz", view=PLAN.views, case=CINES),
        expand("results/detect/{view}/{case}_boxes.json", view=PLAN.views, case=CINES),
        expand("results/detect/{view}/{case}_boxes.png", view=PLAN.views, case=CINES),
        expand("results/score/boxes/{view}_summary.csv", view=PLAN.views),
        expand("results/score/{model}/slices.png", model=PLAN.judged),
        expand("results/train/{model}/fold-{fold}/history.csv", model=PLAN.trained, fold=range(PLAN.config.folds)),
        expand("results/postprocess/{model}/{case}_mask.nii.gz", model=PLAN.drawing, case=CINES),
        expand("results/integrate/{model}/{case}_volumes.csv", model=PLAN.measuring_slices, case=CINES),
        expand("results/integrate/{model}/{case}_areas.csv", model=PLAN.measuring_slices, case=CINES),
        [file for model in PLAN.given for file in PLAN.measured_by(model, "areas", "curves")],
        expand("results/calibrate/{model}/forecasts.csv", model=PLAN.models),
        expand(
            "results/score/forecasts/{table}.csv",
            table=("headline", "differences", "coverage", "decomposition", "pit", "reliability", "outliers"),
        ),
        areas=PLAN.area_files,
        published=PLAN.published.shown(),
    output:
        report("results/report/index.html", caption="../report/index.rst", category="report"),
    log:
        "logs/report/index.log",
    conda:
        "../../envs/cpu.yaml"
    params:
        models=list(PLAN.models),
        drawing=PLAN.drawing,
        measuring=PLAN.measuring_slices,
        given=PLAN.given_cohorts,
        views=PLAN.views,
        folds=PLAN.config.folds,
        settings=lambda w: PLAN.settings("report"),
        code=PLAN.code("report"),
    shell:
        "python -m lvpipe report page --results results --models {params.models} --drawing {params.drawing}"
        " --measuring {params.measuring} --given {params.given} --views {params.views} --folds {params.folds} --out {output}"
        " --areas {input.areas} --published {input.published}"
        " --settings {params.settings:q} > {log} 2>&1"
