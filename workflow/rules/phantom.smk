"""A synthetic cohort, written as its source would export it."""

# Where each layout keeps a case, and the case's name in terms of the path.
PHANTOM_FOLDERS = {
    "kaggle": ["{split}/{study}"],
    "sunnybrook": ["SCD_IMAGES/SCD9{study}01", "SCD_ManualContours/SC-PH-{study}"],
}
PHANTOM_NAMES = {"kaggle": "{study}", "sunnybrook": "SCD9{study}01"}
PHANTOM_LOGS = {"kaggle": "{split}-{study}", "sunnybrook": "SCD9{study}01"}

for cohort, layout in PLAN.phantoms.items():

    rule:
        name:
            f"phantom_{cohort}"
        output:
            [directory(f"results/phantom/{cohort}/{path}") for path in PHANTOM_FOLDERS[layout]],
        log:
            f"logs/phantom/{cohort}/{PHANTOM_LOGS[layout]}.log",
        wildcard_constraints:
            study="[0-9]+",
            split="[a-z]+",
        group:
            "prepare"
        conda:
            "../../envs/cpu.yaml"
        params:
            case=PHANTOM_NAMES[layout],
            cohort=cohort,
            settings=lambda w, cohort=cohort, layout=layout: PLAN.phantom_order(
                cohort, PHANTOM_NAMES[layout].format(**w)
            ),
            code=PLAN.code("phantom"),
        shell:
            "python -m lvpipe phantom case --cohort {params.cohort} --case {params.case}"
            " --root results/phantom/{params.cohort} --settings {params.settings:q} > {log} 2>&1"

    rule:
        name:
            f"phantom_sheet_{cohort}"
        output:
            [f"results/phantom/{cohort}/{sheet}" for sheet in PLAN.phantom_sheets(cohort)],
        log:
            f"logs/phantom/{cohort}/sheet.log",
        conda:
            "../../envs/cpu.yaml"
        params:
            cohort=cohort,
            settings=lambda w, cohort=cohort: PLAN.phantom_order(cohort),
            code=PLAN.code("phantom"),
        shell:
            "python -m lvpipe phantom sheet --cohort {params.cohort}"
            " --root results/phantom/{params.cohort} --settings {params.settings:q} > {log} 2>&1"
