# The grammar of paths; whoever knows a stage's word knows its files.
#
#   source              results/phantom/{cohort}/...  or a cohort's `path`, in its reader's layout
#   results/convert     {case}_cine.nii.gz  {case}_cine.json (ledger)  {case}_reference.nii.gz
#                       {case}_found.png  cases.csv  ledger.csv
#   results/resample    {view}/{case}_cine.nii.gz  {view}/{case}_reference.nii.gz
#   results/detect      {view}/{case}_boxes.json  {case}_boxes.png
#                       {view}/fold-{fold}/cascade.xml  cascade.csv  {part}.safetensors  {part}.csv
#   results/train       {model}/fold-{fold}/model.safetensors  history.csv  curve.svg
#   results/search      {search}/trials.csv  trials.svg  best.yaml
#                       {search}/{trial}/fold-{fold}/history.csv
#   results/segment     {model}/{case}_prob.nii.gz
#   results/regress     {model}/{case}_areas.csv  or {case}_volumes.csv, straight from pixels
#   results/postprocess {model}/{case}_mask.nii.gz  {model}/choices.json
#   results/integrate   {model}/{case}_areas.csv  {case}_volumes.csv
#                       {model}/{cohort}_volumes.csv  {cohort}_pairs.csv
#                       {model}/{cohort}_areas.csv  {cohort}_curves.csv  of a cohort that brought its estimates
#   results/calibrate   {model}/calibrator.json  forecasts.csv  fallbacks.csv  ejection.csv
#   results/score       {model}/{case}_dice.csv  {case}_pooled.csv  slices.png
#                       boxes/{view}.csv  boxes/{view}_summary.csv  leak/{model}_fold-{fold}.csv
#                       areas/{model}_fold-{fold}.csv  areas/{model}.csv  areas/{model}.svg
#                       forecasts/{headline,differences,coverage,decomposition,pit,reliability}.csv
#   results/published   sizes.csv  sizes.svg
#   results             crps.csv  dice.csv  segmentation.csv  cases.csv  areas.csv  published.csv
#                       report/index.html
#
#   cohort  cases from one source         case  one study of one patient, unique in a run
#   view    a way of preparing a cine     model a network and what it learns from, or another tool's estimates
#   search  settings tried one by one     trial  a model with one choice of them, named by it
#   fold    the patients held out         logs/ has the log of every file under the same stage word

import shlex
import sys
from pathlib import Path

from lvpipe.errors import UserError
from lvpipe.plan import Plan, one_of
from lvpipe.submission import pass_groups_on
from lvpipe.upkeep import check_places, check_state, full_disks

BIN = str(Path(sys.executable).parent)


configfile: f"{workflow.basedir}/config.yaml"


# Built from envs/container.def; used by `--sdm apptainer` alone.
container: f"{workflow.basedir}/lvpipe.sif"


# The environment that runs this workflow also runs its stages, whether or not it is activated; where `--sdm` asks for
# another, a PATH set here would hide that. Either way the package is this checkout's: its code is what params compare.
shell.prefix(
    f"export PYTHONPATH={shlex.quote(str(workflow.basedir))}; "
    + ("" if workflow.deployment_settings.deployment_method else f"PATH={shlex.quote(BIN)}:$PATH; ")
)

pass_groups_on()

try:
    check_state(Path())
    PLAN = Plan(config)
    CINES = PLAN.cines
    PLAN.measured
except UserError as error:
    sys.exit(f"lvpipe: {error}")


# Neither in a dry run nor in a job of its own on a cluster.
onstart:
    try:
        check_places(Path())
    except UserError as error:
        sys.exit(f"lvpipe: {error}")


onerror:
    for line in full_disks(Path()):
        print(f"lvpipe: {line}", file=sys.stderr)


wildcard_constraints:
    case="[A-Za-z0-9.-]+",
    cohort="[A-Za-z0-9.-]+",
    model=one_of(PLAN.models),
    view=one_of(PLAN.config.resample.views),
    search=one_of(PLAN.search.searches),
    fold=one_of(map(str, range(PLAN.config.folds))),


rule all:
    default_target: True
    input:
        "results/crps.csv",
        "results/dice.csv",
        "results/segmentation.csv",
        "results/cases.csv",
        "results/report/index.html",
        expand("results/train/{model}/fold-{fold}/curve.svg", model=PLAN.trained, fold=range(PLAN.config.folds)),
        PLAN.area_files,
        PLAN.published.files(),


include: "workflow/rules/phantom.smk"
include: "workflow/rules/convert.smk"
include: "workflow/rules/resample.smk"
include: "workflow/rules/detect.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/search.smk"
include: "workflow/rules/segment.smk"
include: "workflow/rules/regress.smk"
include: "workflow/rules/postprocess.smk"
include: "workflow/rules/integrate.smk"
include: "workflow/rules/calibrate.smk"
include: "workflow/rules/score.smk"
include: "workflow/rules/published.smk"
include: "workflow/rules/report.smk"
