"""Probabilities; one job applies one set of models to a shard of cases. Then the means of what several made."""

for (fold, shard), members in PLAN.shards.items():

    rule:
        name:
            f"segment_{fold}_{shard}"
        input:
            models=expand("results/train/{{model}}/fold-{fold}/model.safetensors", fold=PLAN.folds_for(fold)),
            views=lambda w, members=members: expand(
                "results/resample/{view}/{case}_cine.nii.gz", view=PLAN.models[w.model].view, case=members
            ),
            boxes=lambda w, members=members: expand(
                "results/detect/{view}/{case}_boxes.json", view=PLAN.models[w.model].view, case=members
            ),
            cines=expand("results/convert/{case}_cine.nii.gz", case=members),
        output:
            expand("results/segment/{{model}}/{case}_prob.nii.gz", case=members),
        log:
            f"logs/segment/{{model}}/{fold}-{shard}.log",
        wildcard_constraints:
            model=one_of(PLAN.segmenting),
        conda:
            lambda w: PLAN.environment("segment", w.model)
        threads: lambda w: PLAN.threads("segment", w.model)
        # Here, since no profile can name these rules. A shard's cases follow each other: more need time, not memory.
        resources:
            mem_mb=lambda w, attempt: 3000 * attempt,
            runtime=lambda w, attempt: 60 * attempt,
            gpu=lambda w: PLAN.gpus("segment", w.model),
        params:
            view=lambda w: PLAN.models[w.model].view,
            cases=members,
            labels=lambda w: PLAN.models[w.model].labels,
            spool=f".spool/segment/{{model}}/{fold}-{shard}",
            window=lambda w: PLAN.training.window(w.model),
            settings=lambda w: PLAN.settings("segment", w.model),
            code=lambda w: PLAN.code("segment", PLAN.training.network_module(w.model)),
        shell:
            "python -m lvpipe segment --models {input.models} --labels {params.labels} --cases {params.cases}"
            " --views results/resample/{params.view} --cines results/convert --boxes results/detect/{params.view}"
            " --out results/segment/{wildcards.model} --spool {params.spool} --code {params.code:q}"
            " --window {params.window:q} --settings {params.settings:q} > {log} 2>&1"


rule segment_average:
    input:
        lambda w: expand("results/segment/{model}/{case}_prob.nii.gz", model=PLAN.models[w.model].of, case=w.case),
    output:
        "results/segment/{model}/{case}_prob.nii.gz",
    log:
        "logs/segment/{model}/{case}.log",
    wildcard_constraints:
        model=one_of(PLAN.averaging),
    conda:
        "../../envs/cpu.yaml"
    params:
        code=PLAN.code("segment", "lvpipe.averaging"),
    shell:
        "python -m lvpipe segment average --probs {input} --out {output} > {log} 2>&1"
