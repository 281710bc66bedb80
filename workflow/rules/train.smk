"""A model per fold, from the drawn slices of all patients outside it."""


def taught(w):
    learn, watch = PLAN.learners(w.model, w.fold)
    view = PLAN.models[w.model].view
    return {
        "cines": expand("results/resample/{view}/{case}_cine.nii.gz", view=view, case=learn + watch),
        "references": expand("results/resample/{view}/{case}_reference.nii.gz", view=view, case=learn + watch),
        "boxes": expand("results/detect/{view}/{case}_boxes.json", view=view, case=learn + watch),
    }


rule train:
    input:
        unpack(taught),
    output:
        model="results/train/{model}/fold-{fold}/model.safetensors",
        history="results/train/{model}/fold-{fold}/history.csv",
        curve=report(
            "results/train/{model}/fold-{fold}/curve.svg", caption="../report/curve.rst", category="train"
        ),
    log:
        "logs/train/{model}/fold-{fold}.log",
    threads: workflow.cores
    params:
        view=lambda w: PLAN.models[w.model].view,
        learn=lambda w: PLAN.learners(w.model, w.fold)[0],
        watch=lambda w: PLAN.learners(w.model, w.fold)[1],
        network=lambda w: PLAN.network(w.model),
        settings=lambda w: PLAN.settings("train", w.model),
        code=lambda w: PLAN.code("train", PLAN.network_module(w.model)),
    shell:
        "python -m lvpipe train --cines results/resample/{params.view} --boxes results/detect/{params.view}"
        " --learn {params.learn} --watch {params.watch} --network {params.network:q}"
        " --model {output.model} --history {output.history} --curve {output.curve}"
        " --settings {params.settings:q} > {log} 2>&1"
