"""The mask that is counted."""


rule postprocess:
    input:
        "results/segment/{model}/{case}_prob.nii.gz",
    output:
        "results/postprocess/{model}/{case}_mask.nii.gz",
    log:
        "logs/postprocess/{model}/{case}.log",
    conda:
        "../../envs/cpu.yaml"
    params:
        labels=lambda w: PLAN.models[w.model].labels,
        settings=lambda w: PLAN.settings("postprocess", w.model),
        code=PLAN.code("postprocess"),
    shell:
        "python -m lvpipe postprocess --prob {input} --labels {params.labels} --out {output}"
        " --settings {params.settings:q} > {log} 2>&1"
