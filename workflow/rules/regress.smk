"""Areas or volumes, straight from pixels; one job applies one set of models to a shard of cases."""

for (fold, shard), members in PLAN.shards.items():
    for makes in PLAN.told:

        rule:
            name:
                f"regress_{makes}_{fold}_{shard}"
            input:
                models=lambda w, fold=fold: expand(
                    "results/train/{model}/fold-{fold}/model.safetensors",
                    model=PLAN.models[w.model].trained_as,
                    fold=PLAN.folds_for(fold),
                ),
                views=lambda w, members=members: expand(
                    "results/resample/{view}/{case}_cine.nii.gz", view=PLAN.models[w.model].view, case=members
                ),
                boxes=lambda w, members=members: expand(
                    "results/detect/{view}/{case}_boxes.json", view=PLAN.models[w.model].view, case=members
                ),
                ledgers=expand("results/convert/{case}_cine.json", case=members),
            output:
                expand("results/regress/{{model}}/{case}_{makes}.csv", case=members, makes=makes),
            log:
                f"logs/regress/{{model}}/{fold}-{shard}_{makes}.log",
            wildcard_constraints:
                model=one_of(PLAN.telling(makes)),
            conda:
                lambda w: PLAN.environment("regress", w.model)
            threads: lambda w: PLAN.threads("regress", w.model)
            resources:
                mem_mb=lambda w, attempt: 3000 * attempt,
                runtime=lambda w, attempt: 60 * attempt,
                gpu=lambda w: PLAN.gpus("regress", w.model),
            params:
                makes=makes,
                view=lambda w: PLAN.models[w.model].view,
                cases=members,
                spool=f".spool/regress/{{model}}/{fold}-{shard}",
                window=lambda w: PLAN.training.window(w.model),
                settings=lambda w: PLAN.settings("regress", w.model),
                code=lambda w: PLAN.code("regress", PLAN.training.network_module(w.model)),
            shell:
                "python -m lvpipe regress --makes {params.makes} --models {input.models} --cases {params.cases}"
                " --views results/resample/{params.view} --ledgers results/convert --boxes results/detect/{params.view}"
                " --out results/regress/{wildcards.model} --spool {params.spool} --code {params.code:q}"
                " --window {params.window:q} --settings {params.settings:q} > {log} 2>&1"
