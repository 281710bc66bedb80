"""The page's style sheet and its one script, as text: a file of its own would be no part of the code digest."""

from collections.abc import Mapping

from lvpipe.pages.figures import REFERENCE

_SHEET = """
:root{--ink:#1f2933;--soft:#5f6c7b;--line:#e1e6eb;--paper:#fff;--wash:#f5f7f9;--link:#0b63a5}
*{box-sizing:border-box}
html{scroll-behavior:smooth;scroll-padding-top:3.5rem}
body{margin:0;background:var(--wash);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums}
a{color:var(--link);text-decoration:none}a:hover{text-decoration:underline}
nav{position:sticky;top:0;z-index:1;background:var(--paper);border-bottom:1px solid var(--line);padding:.55rem 1.5rem;
display:flex;gap:.3rem 1.3rem;flex-wrap:wrap;font-size:14px}
nav b{margin-right:.7rem}
main{max-width:1280px;margin:0 auto;padding:1.5rem}
h1{font-size:1.9rem;line-height:1.2;margin:.6rem 0 .3rem;letter-spacing:-.015em}
h2{font-size:1.3rem;margin:0 0 .4rem;letter-spacing:-.01em}
h3{font-size:1.1rem;margin:0 0 .5rem}h4{font-size:.9rem;margin:.8rem 0 .3rem}
h3 small,h4 small{font-weight:400;color:var(--soft);font-size:.85rem}
.lead{font-size:1.05rem;color:var(--soft);margin:0 0 1.2rem;max-width:60rem}
.note,.quiet,.legend{color:var(--soft);font-size:.88rem;max-width:62rem;margin:.2rem 0 .8rem}
section,.case,.card{background:var(--paper);border:1px solid var(--line);border-radius:10px}
section,.case{padding:1.1rem 1.3rem;margin:0 0 1.2rem}
.case{content-visibility:auto;contain-intrinsic-size:auto 1100px}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(280px,1fr));gap:1rem;margin:0 0 1.2rem}
.card{padding:1rem 1.2rem}
.big{margin:0 0 .3rem;color:var(--soft)}.big strong{font-size:2.1rem;color:var(--ink);letter-spacing:-.02em}
.bars{list-style:none;margin:0 0 .8rem;padding:0;font-size:.82rem;color:var(--soft)}
.bars li{display:grid;grid-template-columns:6rem 1fr 3.2rem;gap:.5rem;align-items:center}
.bars i{height:7px;border-radius:4px;background:#b9c4cf}.bars li:first-child i{background:#0072b2}
.bars b{font-weight:400;text-align:right}
dl{display:flex;flex-wrap:wrap;gap:.5rem 1.3rem;margin:0}dt{font-size:.75rem;color:var(--soft)}
dd{margin:0;font-weight:600}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(300px,1fr));gap:.6rem;margin:.5rem 0}
.charts>svg{width:100%;height:auto;max-width:460px}
.rankings{display:flex;flex-wrap:wrap;align-items:flex-start;gap:.6rem;margin:.5rem 0}
.rankings>svg{max-width:100%;height:auto}
#figures td small{display:block}#figures td,#figures th{padding-right:.5rem}
.scroll{overflow-x:auto;margin:.4rem 0}
table{border-collapse:collapse;font-size:.84rem;min-width:60%}
th{text-align:left;color:var(--soft);font-weight:600;border-bottom:1.5px solid var(--line);white-space:nowrap}
td{border-bottom:1px solid var(--line);white-space:nowrap}
th,td{padding:.26rem .7rem .26rem 0;vertical-align:baseline}
.n{text-align:right}td small,td.quiet{color:var(--soft)}td.own{font-weight:600}td.reference{font-weight:600}
tbody tr:hover{background:var(--wash)}
th[aria-sort]{color:var(--ink)}th[aria-sort=ascending]::after{content:" \\2191"}
th[aria-sort=descending]::after{content:" \\2193"}
.scripted tr:last-child>th{cursor:pointer}
.two tr:first-child th{border:0;padding-bottom:0;color:var(--ink);text-align:center}
.two tr:first-child th:not(:empty){border-bottom:1.5px solid var(--soft)}
td.first{padding-left:1rem}
code{font-size:.85em;background:var(--wash);border:1px solid var(--line);border-radius:4px;padding:0 .3em}
.flag{display:inline-block;font-size:.76rem;border-radius:4px;padding:0 .45em;margin-right:.3em;background:#fdf0dd;
color:#7a4a00;border:1px solid #f0d9b4}
input[type=search]{font:inherit;padding:.3rem .6rem;border:1px solid var(--line);border-radius:6px;width:22rem;
max-width:100%}
.strip{display:grid;gap:.45rem;
grid-template-columns:repeat(auto-fill,minmax(clamp(84px,calc(100%/var(--slices) - .46rem),148px),1fr))}
figure{margin:0}figure svg{display:block;width:100%;background:#000;border-radius:4px}
figcaption{font-size:.72rem;color:var(--soft);display:flex;gap:.5em}figcaption b{color:var(--mine)}
figcaption :first-of-type{margin-left:auto}
img.audit{display:block;max-width:100%;height:auto;margin:.4rem 0 1rem;border-radius:6px}
.box{--mine:#56b4e9}figure path.box{stroke-width:1;stroke-dasharray:5 4}.key.box::before{border-top-style:dashed}
figure path{fill:none;stroke:var(--mine);stroke-width:1.6;vector-effect:non-scaling-stroke;stroke-linejoin:round}
.key{margin-right:1em;color:var(--ink)}
.key::before{content:"";display:inline-block;width:1.3em;height:0;border-top:3px solid var(--mine);margin-right:.4em;
vertical-align:middle}
details{font-size:.86rem;margin-top:.8rem}summary{cursor:pointer;font-weight:600}
details ul{margin:.3rem 0 0;padding-left:1.1rem}.reason{margin:.2rem 0 .6rem}
footer{color:var(--soft);font-size:.82rem;padding:.4rem .2rem 2rem}
@media print{body{background:#fff;font-size:11px}nav,.filter{display:none}main{max-width:none;padding:0}
section,.case,.card{border:0;padding:0}.case{content-visibility:visible;break-before:page}
section .case{break-before:auto}h2,h3,h4,.note,.legend{break-after:avoid}
.charts{grid-template-columns:repeat(3,1fr)}.cards{grid-template-columns:repeat(4,1fr)}.card,figure,tr,.charts>svg,.rankings>svg,.moment{break-inside:avoid}
.scroll{overflow:visible}*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
"""

SCRIPT = """
for (const table of document.querySelectorAll('table.sortable')) {
  const body = table.tBodies[0], heads = [...table.tHead.lastElementChild.cells];
  table.classList.add('scripted');
  heads.forEach((head, column) => head.addEventListener('click', () => {
    const down = head.getAttribute('aria-sort') !== 'descending' && head.classList.contains('n')
      || head.getAttribute('aria-sort') === 'ascending';
    heads.forEach(other => other.removeAttribute('aria-sort'));
    head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    const key = row => row.cells[column].dataset.sort;
    const order = head.classList.contains('n')
      ? (a, b) => Number(key(a)) - Number(key(b))
      : (a, b) => key(a).localeCompare(key(b), 'en', {numeric: true});
    [...body.rows].sort((a, b) => down ? order(b, a) : order(a, b)).forEach(row => body.append(row));
  }));
}
for (const input of document.querySelectorAll('input[data-for]')) {
  const rows = [...document.getElementById(input.dataset.for).tBodies[0].rows];
  input.parentElement.hidden = false;
  input.addEventListener('input', () => {
    const wanted = input.value.toLowerCase().split(/\\s+/);
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !wanted.every(word => text.includes(word));
    }
  });
}
"""


def style_sheet(colours: Mapping[str, str]) -> str:
    """The sheet with one class a model, by its place, in the model's colour."""
    models = "".join(f".m{place}{{--mine:{colour}}}\n" for place, colour in enumerate(colours.values()))
    return f"{_SHEET}.reference{{--mine:{REFERENCE}}}\n{models}"
