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
        case="|".join(CASES),
    conda:
        "../../envs/cpu.yaml"
    params:
        settings=lambda w: PLAN.settings("integrate", w.model),
        code=PLAN.code("integrate"),
    shell:
        "python -m lvpipe integrate case --case {wildcards.case} --mask {input.mask} --ledger {input.ledger}"
        " --areas {output.areas} --volumes {output.volumes}"
        " --settings {params.settings:q} > {log} 2>&1"


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
        cohort="|".join(PLAN.cohorts),
    conda:
        "../../envs/cpu.yaml"
    params:
        view=lambda w: PLAN.models[w.model].view,
        cases=lambda w: PLAN.members(w.cohort),
        drawn=lambda w: "--drawn" if PLAN.drawn(w.cohort) else "",
        settings=lambda w: PLAN.settings("integrate", w.model),
        code=PLAN.code("integrate"),
    shell:
        "python -m lvpipe integrate cohort --cases {params.cases} --areas results/integrate/{wildcards.model}"
        " --ledgers results/convert --boxes results/detect/{params.view} {params.drawn}"
        " --volumes {output.volumes} --pairs {output.pairs} --settings {params.settings:q} > {log} 2>&1"
