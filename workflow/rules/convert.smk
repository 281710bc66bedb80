"""From what a source handed over to one regular cine per case, and the sheet of all cases."""

for cohort in PLAN.cine_cohorts:

    rule:
        name:
            f"convert_{cohort}"
        input:
            lambda w: PLAN.sources(w.case),
        output:
            **PLAN.reference_output(cohort),
            cine="results/convert/{case}_cine.nii.gz",
            ledger="results/convert/{case}_cine.json",
            found="results/convert/{case}_found.png",
        log:
            "logs/convert/{case}.log",
        wildcard_constraints:
            case="|".join(PLAN.members(cohort)),
        group:
            "prepare"
        conda:
            "../../envs/cpu.yaml"
        params:
            cohort=cohort,
            reader=PLAN.cohorts[cohort].reader,
            reference="--reference results/convert/{case}_reference.nii.gz" if PLAN.cohorts[cohort].masks else "",
            options=lambda w: PLAN.reader_options(w.case),
            files=lambda w: PLAN.fingerprint(w.case),
            settings=lambda w: PLAN.settings("convert"),
            code=PLAN.code("convert", PLAN.reader(cohort)),
        shell:
            "python -m lvpipe convert case --reader {params.reader} --options {params.options:q} --case {wildcards.case} --cohort {params.cohort}"
            " --sources {input:q} --cine {output.cine} --ledger {output.ledger} --picture {output.found} {params.reference}"
            " --settings {params.settings:q} > {log} 2>&1"


rule convert_sheet:
    input:
        ledgers=expand("results/convert/{case}_cine.json", case=CINES),
        sheets=[sheet for cohort in PLAN.cohorts for sheet in PLAN.sheets(cohort)],
        tables=PLAN.given_tables(),
    output:
        sheet="results/convert/cases.csv",
        ledger="results/convert/ledger.csv",
    log:
        "logs/convert/cases.log",
    conda:
        "../../envs/cpu.yaml"
    params:
        cases=lambda w: PLAN.placed(),
        settings=lambda w: PLAN.sheet_order(),
        folders=lambda w: PLAN.given_fingerprints(),
        code=PLAN.code("convert", "lvpipe.sheet", *(PLAN.reader(cohort) for cohort in PLAN.cohorts)),
    shell:
        "python -m lvpipe convert cohort --cases {params.cases:q} --ledgers results/convert --out {output.sheet}"
        " --table {output.ledger} --settings {params.settings:q} > {log} 2>&1"
