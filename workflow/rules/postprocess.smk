"""The mask that is counted, and what of its rules is chosen by the cases that were drawn."""


rule postprocess:
    input:
        prob="results/segment/{model}/{case}_prob.nii.gz",
        choices=lambda w: PLAN.choices(w.model),
    output:
        "results/postprocess/{model}/{case}_mask.nii.gz",
    log:
        "logs/postprocess/{model}/{case}.log",
    conda:
        "../../envs/cpu.yaml"
    params:
        labels=lambda w: PLAN.models[w.model].labels,
        held_out=lambda w: PLAN.cases[w.case].held_out,
        settings=lambda w: PLAN.settings("postprocess", w.model),
        code=PLAN.code("postprocess"),
    shell:
        "python -m lvpipe postprocess mask --prob {input.prob} --labels {params.labels} --out {output}"
        " --choices {input.choices} --held-out {params.held_out} --settings {params.settings:q} > {log} 2>&1"


# Asked for by models that choose alone.
rule postprocess_choices:
    input:
        probs=lambda w: expand(
            "results/segment/{model}/{case}_prob.nii.gz", model=w.model, case=PLAN.choosing_cases(w.model)
        ),
        references=lambda w: expand("results/convert/{case}_reference.nii.gz", case=PLAN.choosing_cases(w.model)),
    output:
        "results/postprocess/{model}/choices.json",
    log:
        "logs/postprocess/choices_{model}.log",
    conda:
        "../../envs/cpu.yaml"
    params:
        cases=lambda w: PLAN.choosers(w.model),
        folds=PLAN.config.folds,
        settings=lambda w: PLAN.settings("postprocess", w.model),
        code=PLAN.code("postprocess", "lvpipe.choosing"),
    shell:
        "python -m lvpipe postprocess choose --probs results/segment/{wildcards.model} --references results/convert"
        " --cases {params.cases:q} --folds {params.folds} --out {output} --settings {params.settings:q} > {log} 2>&1"
