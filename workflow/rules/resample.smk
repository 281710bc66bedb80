"""A cine, and where it exists its reference, as the networks of one view see it."""


rule resample:
    input:
        "results/convert/{case}_cine.nii.gz",
    output:
        "results/resample/{view}/{case}_cine.nii.gz",
    log:
        "logs/resample/{view}/{case}.log",
    conda:
        "../../envs/cpu.yaml"
    params:
        settings=lambda w: PLAN.view(w.view),
        code=PLAN.code("resample"),
    shell:
        "python -m lvpipe resample --image {input} --out {output} --settings {params.settings:q} > {log} 2>&1"


rule resample_reference:
    input:
        "results/convert/{case}_reference.nii.gz",
    output:
        "results/resample/{view}/{case}_reference.nii.gz",
    log:
        "logs/resample/{view}/{case}_reference.log",
    conda:
        "../../envs/cpu.yaml"
    params:
        settings=lambda w: PLAN.view(w.view),
        code=PLAN.code("resample"),
    shell:
        "python -m lvpipe resample --labels --image {input} --out {output} --settings {params.settings:q} > {log} 2>&1"
