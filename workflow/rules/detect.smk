"""One box per slice around the heart."""


rule detect:
    input:
        "results/resample/{view}/{case}_cine.nii.gz",
    output:
        "results/detect/{view}/{case}_boxes.json",
    log:
        "logs/detect/{view}/{case}.log",
    conda:
        "../../envs/cpu.yaml"
    params:
        settings=lambda w: PLAN.settings("detect"),
        code=PLAN.code("detect"),
    shell:
        "python -m lvpipe detect --cine {input} --out {output} --settings {params.settings:q} > {log} 2>&1"
