"""Masks against drawn references, forecasts against reference volumes."""


rule score_masks:
    input:
        mask="results/postprocess/{model}/{case}_mask.nii.gz",
        prob="results/segment/{model}/{case}_prob.nii.gz",
        reference="results/convert/{case}_reference.nii.gz",
    output:
        dice="results/score/{model}/{case}_dice.csv",
        pooled="results/score/{model}/{case}_pooled.csv",
    log:
        "logs/score/{model}/{case}.log",
    conda:
        "../../envs/cpu.yaml"
    params:
        labels=lambda w: PLAN.models[w.model].labels,
        settings=lambda w: PLAN.settings("score"),
        code=PLAN.code("score"),
    shell:
        "python -m lvpipe score masks --mask {input.mask} --prob {input.prob} --labels {params.labels}"
        " --reference {input.reference}"
        " --out {output.dice} --pooled {output.pooled}"
        " --settings {params.settings:q} > {log} 2>&1"


rule score:
    input:
        cases="results/convert/cases.csv",
        volumes=PLAN.measuring("volumes"),
        forecasts=expand("results/calibrate/{model}/forecasts.csv", model=PLAN.models),
        fallbacks=expand("results/calibrate/{model}/fallbacks.csv", model=PLAN.models),
        ejections=expand("results/calibrate/{model}/ejection.csv", model=PLAN.models),
        dice=expand("results/score/{model}/{case}_dice.csv", model=PLAN.drawing, case=PLAN.drawn()),
        pooled=expand("results/score/{model}/{case}_pooled.csv", model=PLAN.drawing, case=PLAN.drawn()),
    output:
        crps=report("results/crps.csv", caption="../report/crps.rst", category="score"),
        dice=report("results/dice.csv", caption="../report/dice.rst", category="score"),
        segmentation=report("results/segmentation.csv", caption="../report/segmentation.rst", category="score"),
        scored=report("results/cases.csv", caption="../report/cases.rst", category="score"),
        headline=report("results/score/forecasts/headline.csv", caption="../report/headline.rst", category="score"),
        forecasts=expand(
            "results/score/forecasts/{table}.csv",
            table=("differences", "coverage", "decomposition", "pit", "reliability", "outliers"),
        ),
    log:
        "logs/score/volumes.log",
    conda:
        "../../envs/cpu.yaml"
    params:
        models=list(PLAN.models),
        combining=lambda w: PLAN.combinations(),
        drawing=PLAN.drawing,
        drawn=lambda w: PLAN.drawn(),
        settings=lambda w: PLAN.settings("score"),
        code=PLAN.code("score"),
    shell:
        "python -m lvpipe score volumes --cases {input.cases} --results results --models {params.models}"
        " --combining {params.combining:q} --drawing {params.drawing} --drawn {params.drawn} --crps {output.crps} --dice {output.dice}"
        " --segmentation {output.segmentation} --scored {output.scored}"
        " --forecasts results/score/forecasts"
        " --settings {params.settings:q} > {log} 2>&1"


# The gallery module is loaded by name, like judging below.
rule score_slices:
    input:
        dice=expand("results/score/{{model}}/{case}_dice.csv", case=PLAN.drawn()),
        cines=expand("results/convert/{case}_cine.nii.gz", case=PLAN.drawn()),
        references=expand("results/convert/{case}_reference.nii.gz", case=PLAN.drawn()),
        masks=expand("results/postprocess/{{model}}/{case}_mask.nii.gz", case=PLAN.drawn()),
    output:
        report("results/score/{model}/slices.png", caption="../report/slices.rst", category="score"),
    log:
        "logs/score/{model}/slices.log",
    conda:
        "../../envs/cpu.yaml"
    params:
        drawn=lambda w: PLAN.drawn(),
        code=PLAN.code("score", "lvpipe.scoring.gallery"),
    shell:
        "python -m lvpipe score slices --model {wildcards.model} --drawn {params.drawn} --results results"
        " --out {output} > {log} 2>&1"


# The judging module is loaded by name: a change in it compares no mask again.
rule score_boxes:
    input:
        cases="results/convert/cases.csv",
        boxes=expand("results/detect/{{view}}/{case}_boxes.json", case=PLAN.drawn()),
        references=expand("results/resample/{{view}}/{case}_reference.nii.gz", case=PLAN.drawn()),
    output:
        slices="results/score/boxes/{view}.csv",
        summary="results/score/boxes/{view}_summary.csv",
    log:
        "logs/score/boxes/{view}.log",
    conda:
        "../../envs/cpu.yaml"
    params:
        drawn=lambda w: PLAN.drawn(),
        margin=PLAN.config.detect.margin,
        code=PLAN.code("score", "lvpipe.detection.judging"),
    shell:
        "python -m lvpipe score boxes --cases {input.cases} --boxes results/detect/{wildcards.view}"
        " --references results/resample/{wildcards.view} --drawn {params.drawn}"
        " --out {output.slices} --summary {output.summary} --margin {params.margin} > {log} 2>&1"


# Where images were split regardless of patients: the same network on the images that it was not shown, of patients that
# it knows, and on those of patients that it does not. By name: no other rule here needs torch.
rule score_leak:
    input:
        cases="results/convert/cases.csv",
        model="results/train/{model}/fold-{fold}/model.safetensors",
        cines=lambda w: expand(
            "results/resample/{view}/{case}_cine.nii.gz",
            view=PLAN.models[w.model].view,
            case=PLAN.training.taught(w.model, w.fold) + PLAN.training.strangers(w.model, w.fold),
        ),
        references=lambda w: expand(
            "results/resample/{view}/{case}_reference.nii.gz",
            view=PLAN.models[w.model].view,
            case=PLAN.training.taught(w.model, w.fold) + PLAN.training.strangers(w.model, w.fold),
        ),
        boxes=lambda w: expand(
            "results/detect/{view}/{case}_boxes.json",
            view=PLAN.models[w.model].view,
            case=PLAN.training.taught(w.model, w.fold) + PLAN.training.strangers(w.model, w.fold),
        ),
    output:
        "results/score/leak/{model}_fold-{fold}.csv",
    log:
        "logs/score/leak/{model}_fold-{fold}.log",
    conda:
        lambda w: PLAN.environment("segment", w.model)
    threads: lambda w: PLAN.threads("segment", w.model)
    resources:
        gpu=lambda w: PLAN.gpus("segment", w.model),
    params:
        view=lambda w: PLAN.models[w.model].view,
        cohorts=lambda w: PLAN.models[w.model].masks,
        labels=lambda w: PLAN.models[w.model].labels,
        learn=lambda w: PLAN.training.learners(w.model, w.fold)[0],
        watch=lambda w: PLAN.training.learners(w.model, w.fold)[1],
        others=lambda w: PLAN.training.strangers(w.model, w.fold),
        window=lambda w: PLAN.training.window(w.model),
        segment=lambda w: PLAN.settings("segment", w.model),
        settings=lambda w: PLAN.settings("train", w.model),
        code=lambda w: PLAN.code("score", "lvpipe.learning.leak_table", PLAN.training.network_module(w.model)),
    shell:
        "python -m lvpipe score leak --cases {input.cases} --cines results/resample/{params.view}"
        " --boxes results/detect/{params.view} --model {input.model} --name {wildcards.model} --fold {wildcards.fold}"
        " --cohorts {params.cohorts} --labels {params.labels} --learn {params.learn} --watch {params.watch}"
        " --others {params.others} --window {params.window:q} --segment {params.segment:q} --out {output}"
        " --settings {params.settings:q} > {log} 2>&1"


# Areas that are counted in masks beside those that networks tell: made where any model tells them.
rule score_areas:
    input:
        cases="results/convert/cases.csv",
        pairs=expand(
            "results/integrate/{model}/{cohort}_pairs.csv",
            model=PLAN.measuring_slices,
            cohort=[cohort for cohort in PLAN.cine_cohorts if PLAN.drawn(cohort)],
        ),
    output:
        report("results/areas.csv", caption="../report/areas.rst", category="score"),
    log:
        "logs/score/areas.log",
    conda:
        "../../envs/cpu.yaml"
    params:
        models=PLAN.measuring_slices,
        cohorts=[cohort for cohort in PLAN.cine_cohorts if PLAN.drawn(cohort)],
        code=PLAN.code("score"),
    shell:
        "python -m lvpipe score areas --cases {input.cases} --results results --models {params.models}"
        " --cohorts {params.cohorts} --out {output} > {log} 2>&1"


# A network with a head of areas, in windows at the heart and beside it. By name, as it needs torch.
rule score_windows:
    input:
        model=lambda w: f"results/train/{PLAN.models[w.model].training}/fold-{w.fold}/model.safetensors",
        cines=lambda w: expand(
            "results/resample/{view}/{case}_cine.nii.gz",
            view=PLAN.models[w.model].view,
            case=PLAN.training.strangers(w.model, w.fold),
        ),
        references=lambda w: expand(
            "results/resample/{view}/{case}_reference.nii.gz",
            view=PLAN.models[w.model].view,
            case=PLAN.training.strangers(w.model, w.fold),
        ),
        boxes=lambda w: expand(
            "results/detect/{view}/{case}_boxes.json",
            view=PLAN.models[w.model].view,
            case=PLAN.training.strangers(w.model, w.fold),
        ),
    output:
        "results/score/areas/{model}_fold-{fold}.csv",
    log:
        "logs/score/areas/{model}_fold-{fold}.log",
    wildcard_constraints:
        model=one_of(PLAN.heads),
    conda:
        lambda w: PLAN.environment("regress", w.model)
    threads: lambda w: PLAN.threads("regress", w.model)
    resources:
        gpu=lambda w: PLAN.gpus("regress", w.model),
    params:
        view=lambda w: PLAN.models[w.model].view,
        cases=lambda w: PLAN.training.strangers(w.model, w.fold),
        window=lambda w: PLAN.training.window(w.model),
        settings=lambda w: PLAN.settings("regress", w.model),
        code=lambda w: PLAN.code("score", "lvpipe.learning.area_table", PLAN.training.network_module(w.model)),
    shell:
        "python -m lvpipe score windows --cines results/resample/{params.view} --boxes results/detect/{params.view}"
        " --model {input.model} --fold {wildcards.fold} --cases {params.cases} --window {params.window:q}"
        " --out {output} --settings {params.settings:q} > {log} 2>&1"


rule score_figure:
    input:
        expand("results/score/areas/{{model}}_fold-{fold}.csv", fold=range(PLAN.config.folds)),
    output:
        summary="results/score/areas/{model}.csv",
        picture=report("results/score/areas/{model}.svg", caption="../report/two_areas.rst", category="score"),
    log:
        "logs/score/areas/{model}.log",
    wildcard_constraints:
        model=one_of(PLAN.heads),
    conda:
        "../../envs/cpu.yaml"
    params:
        code=PLAN.code("score", "lvpipe.scoring.two_areas"),
    shell:
        "python -m lvpipe score figure --model {wildcards.model} --windows {input}"
        " --summary {output.summary} --picture {output.picture} > {log} 2>&1"
