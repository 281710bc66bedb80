"""One square per slice around the heart: what is learnt for it in each fold, then the boxes of a shard of cases."""


rule detect_cascade:
    input:
        cines=PLAN.detector.lessons("cascade", "cine"),
        references=PLAN.detector.lessons("cascade", "reference"),
    output:
        cascade="results/detect/{view}/fold-{fold}/cascade.xml",
        table="results/detect/{view}/fold-{fold}/cascade.csv",
    log:
        "logs/detect/{view}/fold-{fold}_cascade.log",
    conda:
        "../../envs/cpu.yaml"
    params:
        learn=lambda w: PLAN.detector.learners("cascade", w.fold)[0],
        margin=PLAN.config.detect.margin,
        settings=lambda w: PLAN.detector.settings("cascade"),
        code=PLAN.detector.code("cascade"),
    shell:
        "python -m lvpipe detect cascade --cines results/resample/{wildcards.view} --learn {params.learn}"
        " --out {output.cascade} --table {output.table} --margin {params.margin} --settings {params.settings:q} > {log} 2>&1"


rule detect_classifier:
    input:
        cines=PLAN.detector.lessons("classifier", "cine"),
        references=PLAN.detector.lessons("classifier", "reference"),
        cascade="results/detect/{view}/fold-{fold}/cascade.xml",
    output:
        model="results/detect/{view}/fold-{fold}/classifier.safetensors",
        history="results/detect/{view}/fold-{fold}/classifier.csv",
    log:
        "logs/detect/{view}/fold-{fold}_classifier.log",
    conda:
        PLAN.detector.environment("classifier")
    threads: PLAN.detector.job("classifier").threads
    resources:
        gpu=PLAN.detector.gpus("classifier"),
    params:
        learn=lambda w: PLAN.detector.learners("classifier", w.fold)[0],
        watch=lambda w: PLAN.detector.learners("classifier", w.fold)[1],
        margin=PLAN.config.detect.margin,
        proposals=PLAN.config.detect.proposals.canonical(),
        spool=".spool/detect/{view}/fold-{fold}_classifier",
        settings=lambda w: PLAN.detector.settings("classifier"),
        code=PLAN.detector.code("classifier"),
    shell:
        "python -m lvpipe detect classifier --cines results/resample/{wildcards.view} --cascade {input.cascade}"
        " --learn {params.learn} --watch {params.watch} --model {output.model} --history {output.history}"
        " --margin {params.margin} --proposals {params.proposals:q} --spool {params.spool} --code {params.code:q}"
        " --settings {params.settings:q} > {log} 2>&1"


for part in ("fitter", "locator"):

    rule:
        name:
            f"detect_{part}"
        input:
            cines=PLAN.detector.lessons(part, "cine"),
            references=PLAN.detector.lessons(part, "reference"),
        output:
            model=f"results/detect/{{view}}/fold-{{fold}}/{part}.safetensors",
            history=f"results/detect/{{view}}/fold-{{fold}}/{part}.csv",
        log:
            f"logs/detect/{{view}}/fold-{{fold}}_{part}.log",
        conda:
            PLAN.detector.environment(part)
        threads: PLAN.detector.job(part).threads
        resources:
            gpu=PLAN.detector.gpus(part),
        params:
            part=part,
            learn=lambda w, part=part: PLAN.detector.learners(part, w.fold)[0],
            watch=lambda w, part=part: PLAN.detector.learners(part, w.fold)[1],
            margin=PLAN.config.detect.margin,
            spool=f".spool/detect/{{view}}/fold-{{fold}}_{part}",
            settings=lambda w, part=part: PLAN.detector.settings(part),
            code=PLAN.detector.code(part),
        shell:
            "python -m lvpipe detect {params.part} --cines results/resample/{wildcards.view}"
            " --learn {params.learn} --watch {params.watch} --model {output.model} --history {output.history}"
            " --margin {params.margin} --spool {params.spool} --code {params.code:q}"
            " --settings {params.settings:q} > {log} 2>&1"


for (cohort, fold, shard), members in PLAN.detect_shards.items():

    rule:
        name:
            f"detect_{cohort}_{fold}_{shard}"
        input:
            parts=lambda w, fold=fold: PLAN.detector.files(w.view, PLAN.folds_for(fold)),
            cines=expand("results/resample/{{view}}/{case}_cine.nii.gz", case=members),
            references=expand("results/resample/{{view}}/{case}_reference.nii.gz", case=PLAN.shown(members)),
        output:
            expand("results/detect/{{view}}/{case}_boxes.json", case=members),
        log:
            f"logs/detect/{{view}}/{cohort}_{fold}-{shard}.log",
        group:
            "find"
        conda:
            PLAN.detector.environment("find")
        threads: PLAN.detector.job("find").threads
        # Here, since no profile can name these rules. A shard's cases follow each other: more need time, not memory.
        resources:
            mem_mb=lambda w, attempt: 3000 * attempt,
            runtime=lambda w, attempt: 60 * attempt,
            gpu=PLAN.detector.gpus("find"),
        params:
            cases=members,
            folds=PLAN.folds_for(fold),
            settings=lambda w: PLAN.detector.settings("find"),
            code=PLAN.detector.code("find"),
        shell:
            "python -m lvpipe detect find --cases {params.cases} --views results/resample/{wildcards.view}"
            " --parts results/detect/{wildcards.view} --folds {params.folds} --out results/detect/{wildcards.view}"
            " --settings {params.settings:q} > {log} 2>&1"

    # A rule of its own: a change in how boxes are drawn finds no heart again.
    rule:
        name:
            f"detect_picture_{cohort}_{fold}_{shard}"
        input:
            cines=expand("results/resample/{{view}}/{case}_cine.nii.gz", case=members),
            boxes=expand("results/detect/{{view}}/{case}_boxes.json", case=members),
        output:
            expand("results/detect/{{view}}/{case}_boxes.png", case=members),
        log:
            f"logs/detect/{{view}}/{cohort}_{fold}-{shard}_picture.log",
        group:
            "measure"
        conda:
            "../../envs/cpu.yaml"
        params:
            cases=members,
            code=PLAN.code("detect", "lvpipe.detection.steps.picture"),
        shell:
            "python -m lvpipe detect picture --cases {params.cases} --views results/resample/{wildcards.view}"
            " --boxes results/detect/{wildcards.view} --out results/detect/{wildcards.view} > {log} 2>&1"
