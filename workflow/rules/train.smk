"""A model per fold, from the drawn slices and the reference volumes of all patients outside it."""


rule train:
    input:
        cines=lambda w: expand(
            "results/resample/{view}/{case}_cine.nii.gz",
            view=PLAN.entries[w.model].view,
            case=PLAN.training.seen(w.model, w.fold),
        ),
        references=lambda w: expand(
            "results/resample/{view}/{case}_reference.nii.gz",
            view=PLAN.entries[w.model].view,
            case=PLAN.training.taught(w.model, w.fold),
        ),
        boxes=lambda w: expand(
            "results/detect/{view}/{case}_boxes.json",
            view=PLAN.entries[w.model].view,
            case=PLAN.training.seen(w.model, w.fold),
        ),
        ledgers=lambda w: expand("results/convert/{case}_cine.json", case=PLAN.training.taught_volumes(w.model, w.fold)),
        phantoms=lambda w: PLAN.training.phantoms(w.model, w.fold),
        start=lambda w: PLAN.training.start(w.model, w.fold),
    output:
        model="results/train/{model}/fold-{fold}/model.safetensors",
        history="results/train/{model}/fold-{fold}/history.csv",
    log:
        "logs/train/{model}/fold-{fold}.log",
    conda:
        lambda w: PLAN.environment("train", w.model)
    threads: lambda w: PLAN.threads("train", w.model)
    resources:
        gpu=lambda w: PLAN.gpus("train", w.model),
    params:
        view=lambda w: PLAN.entries[w.model].view,
        learn=lambda w: PLAN.training.learners(w.model, w.fold)[0],
        watch=lambda w: PLAN.training.learners(w.model, w.fold)[1],
        measure_learn=lambda w: PLAN.training.measured(w.model, w.fold)[0],
        measure_watch=lambda w: PLAN.training.measured(w.model, w.fold)[1],
        stated=lambda w: PLAN.training.stated(w.model, w.fold),
        integrate=lambda w: PLAN.training.integration(w.model),
        makes=lambda w: PLAN.entries[w.model].makes,
        network=lambda w: PLAN.training.network(w.model),
        window=lambda w: PLAN.training.window(w.model),
        labels=lambda w: PLAN.entries[w.model].labels,
        diverged="stop",
        spool=".spool/train/{model}/fold-{fold}",
        settings=lambda w: PLAN.settings("train", w.model),
        code=lambda w: PLAN.code("train", *PLAN.training.modules(w.model)),
    shell:
        "python -m lvpipe train --cines results/resample/{params.view} --boxes results/detect/{params.view}"
        " --learn {params.learn} --watch {params.watch} --network {params.network:q} --window {params.window:q}"
        " --measure-learn {params.measure_learn} --measure-watch {params.measure_watch} --ledgers results/convert"
        " --stated {params.stated:q} --integrate {params.integrate:q} --makes {params.makes} --start {input.start}"
        " --labels {params.labels} --model {output.model} --history {output.history}"
        " --diverged {params.diverged} --spool {params.spool} --code {params.code:q}"
        " --settings {params.settings:q} > {log} 2>&1"


# A rule of its own: a change in how curves are drawn trains nothing again.
rule train_curve:
    input:
        "results/train/{model}/fold-{fold}/history.csv",
    output:
        report("results/train/{model}/fold-{fold}/curve.svg", caption="../report/curve.rst", category="train"),
    log:
        "logs/train/{model}/fold-{fold}_curve.log",
    conda:
        "../../envs/cpu.yaml"
    params:
        code=PLAN.code("report"),
    shell:
        "python -m lvpipe report curve --history {input} --out {output} > {log} 2>&1"
