"""Areas, the volume curve, and every cohort's table of EDV, ESV, SV and EF."""


rule integrate:
    input:
        mask="results/postprocess/{model}/{case}_mask.nii.gz",
        ledger="results/convert/{case}_cine.json",
    output:
        areas="results/integrate/{model}/{case}_areas.csv",
        volumes="results/integrate/{model}/{case}_volumes.csv",
    log:
        "logs/integrate/{model}/{case}.log",
    wildcard_constraints:
        case=one_of(CINES),
        model=one_of(PLAN.drawing),
    conda:
        "../../envs/cpu.yaml"
    params:
        muscle=lambda w: "--muscle" if "myocardium" in PLAN.models[w.model].labels else "",
        settings=lambda w: PLAN.settings("integrate", w.model),
        code=PLAN.code("integrate"),
    shell:
        "python -m lvpipe integrate case --case {wildcards.case} --mask {input.mask} --ledger {input.ledger}"
        " {params.muscle} --areas {output.areas} --volumes {output.volumes}"
        " --settings {params.settings:q} > {log} 2>&1"


# The same of areas that a network told.
rule integrate_areas:
    input:
        told="results/regress/{model}/{case}_areas.csv",
        ledger="results/convert/{case}_cine.json",
    output:
        areas="results/integrate/{model}/{case}_areas.csv",
        volumes="results/integrate/{model}/{case}_volumes.csv",
    log:
        "logs/integrate/{model}/{case}.log",
    wildcard_constraints:
        case=one_of(CINES),
        model=one_of(PLAN.telling("areas")),
    conda:
        "../../envs/cpu.yaml"
    params:
        settings=lambda w: PLAN.settings("integrate", w.model),
        code=PLAN.code("integrate"),
    shell:
        "python -m lvpipe integrate areas --case {wildcards.case} --told {input.told} --ledger {input.ledger}"
        " --areas {output.areas} --volumes {output.volumes} --settings {params.settings:q} > {log} 2>&1"


rule integrate_cohort:
    input:
        areas=lambda w: expand("results/integrate/{model}/{case}_areas.csv", model=w.model, case=PLAN.members(w.cohort)),
        ledgers=lambda w: expand("results/convert/{case}_cine.json", case=PLAN.members(w.cohort)),
        references=lambda w: expand("results/convert/{case}_reference.nii.gz", case=PLAN.drawn(w.cohort)),
        boxes=lambda w: expand(
            "results/detect/{view}/{case}_boxes.json", view=PLAN.models[w.model].view, case=PLAN.members(w.cohort)
        ),
    output:
        volumes="results/integrate/{model}/{cohort}_volumes.csv",
        pairs="results/integrate/{model}/{cohort}_pairs.csv",
    log:
        "logs/integrate/{model}/cohort_{cohort}.log",
    wildcard_constraints:
        cohort=one_of(PLAN.cine_cohorts),
        model=one_of(PLAN.measuring_slices),
    conda:
        "../../envs/cpu.yaml"
    params:
        view=lambda w: PLAN.models[w.model].view,
        cases=lambda w: PLAN.members(w.cohort),
        drawn=lambda w: "--drawn" if PLAN.drawn(w.cohort) else "",
        window=lambda w: PLAN.training.window(w.model),
        settings=lambda w: PLAN.settings("integrate", w.model),
        code=PLAN.code("integrate"),
    shell:
        "python -m lvpipe integrate cohort --cases {params.cases} --areas results/integrate/{wildcards.model}"
        " --ledgers results/convert --boxes results/detect/{params.view} {params.drawn}"
        " --window {params.window:q}"
        " --volumes {output.volumes} --pairs {output.pairs} --settings {params.settings:q} > {log} 2>&1"


# Of volumes that a network told at once: no slices, so no pairs.
rule integrate_volumes:
    input:
        told=lambda w: expand("results/regress/{model}/{case}_volumes.csv", model=w.model, case=PLAN.members(w.cohort)),
        ledgers=lambda w: expand("results/convert/{case}_cine.json", case=PLAN.members(w.cohort)),
        boxes=lambda w: expand(
            "results/detect/{view}/{case}_boxes.json", view=PLAN.models[w.model].view, case=PLAN.members(w.cohort)
        ),
    output:
        volumes="results/integrate/{model}/{cohort}_volumes.csv",
        pairs="results/integrate/{model}/{cohort}_pairs.csv",
    log:
        "logs/integrate/{model}/cohort_{cohort}.log",
    wildcard_constraints:
        cohort=one_of(PLAN.cine_cohorts),
        model=one_of(PLAN.telling("volumes")),
    conda:
        "../../envs/cpu.yaml"
    params:
        view=lambda w: PLAN.models[w.model].view,
        cases=lambda w: PLAN.members(w.cohort),
        window=lambda w: PLAN.training.window(w.model),
        code=PLAN.code("integrate"),
    shell:
        "python -m lvpipe integrate volumes --cases {params.cases} --told results/regress/{wildcards.model}"
        " --ledgers results/convert --boxes results/detect/{params.view} --window {params.window:q}"
        " --volumes {output.volumes} --pairs {output.pairs} > {log} 2>&1"


# All cases of a table in one job: a process per case would take an hour for nothing.
rule integrate_given:
    input:
        table=lambda w: PLAN.given_table(w.model, w.cohort),
        sheets=lambda w: PLAN.sheets(w.cohort),
    output:
        areas="results/integrate/{model}/{cohort}_areas.csv",
        curves="results/integrate/{model}/{cohort}_curves.csv",
        volumes="results/integrate/{model}/{cohort}_volumes.csv",
        pairs="results/integrate/{model}/{cohort}_pairs.csv",
    log:
        "logs/integrate/{model}/cohort_{cohort}.log",
    wildcard_constraints:
        cohort=one_of(PLAN.given_cohorts),
        model=one_of(PLAN.given),
    conda:
        "../../envs/cpu.yaml"
    params:
        source=lambda w: PLAN.given_source(w.model, w.cohort),
        cases=lambda w: PLAN.members(w.cohort),
        files=lambda w: PLAN.given_fingerprint(w.model, w.cohort),
        settings=lambda w: PLAN.settings("integrate", w.model),
        code=lambda w: PLAN.code("integrate", PLAN.reader(w.cohort)),
    shell:
        "python -m lvpipe integrate given --source {params.source:q} --cases {params.cases}"
        " --areas {output.areas} --curves {output.curves} --volumes {output.volumes} --pairs {output.pairs}"
        " --settings {params.settings:q} > {log} 2>&1"
