import contextlib
import errno
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import lvpipe.stages
from lvpipe import labels
from lvpipe.__main__ import COMMANDS, STAGES, main
from lvpipe.arguments import stage_parser
from lvpipe.config.detect import DetectSettings
from lvpipe.errors import Rejected, UserError


def test_every_stage_word_is_a_module_and_the_other_way_round():
    folder = Path(lvpipe.stages.__file__).parent
    assert {path.stem for path in folder.glob("*.py")} - {"__init__"} == set(STAGES)


@pytest.mark.parametrize(("words", "code"), [([], 2), (["segmnt"], 2), (["--help"], 0), (["-h"], 0)])
def test_without_a_stage_there_is_a_line_of_help(words, code, capsys):
    assert main(words) == code
    told = capsys.readouterr().out
    assert told.startswith("usage: lvpipe STAGE")
    assert all(f"lvpipe {command}" in told for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_how_it_is_used(command, capsys):
    with contextlib.suppress(SystemExit):
        assert main([command, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"usage: lvpipe {command}")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (UserError("mend it"), "lvpipe detect: mend it\n"),
        (FileNotFoundError(2, "No such file", "a/b.nii"), "lvpipe detect: a/b.nii: no such file\n"),
        (FileNotFoundError("No such file or directory: m"), "lvpipe detect: No such file or directory: m"),
        (OSError(errno.ENOSPC, "", "a/b.nii"), "lvpipe detect: a/b.nii: no space left on its disk; make room"),
        (OSError(errno.EDQUOT, "", "a/b.nii"), "lvpipe detect: a/b.nii: the disk quota is used up; make room"),
        (OSError(errno.EROFS, "", "a/b.nii"), "lvpipe detect: a/b.nii: its file system is read-only; mount it"),
        (PermissionError(errno.EACCES, "", "a/b.nii"), "lvpipe detect: a/b.nii: permission denied; make it yours"),
        (NotADirectoryError(errno.ENOTDIR, "", "a/b"), "lvpipe detect: a/b: a part of this path is a file"),
        (IsADirectoryError(errno.EISDIR, "", b"a/b"), "lvpipe detect: a/b: is a folder, expected a file"),
        (OSError(errno.ELOOP, "", "a/b"), "lvpipe detect: a/b: Too many levels of symbolic links (ELOOP)"),
        (OSError(errno.ENOSPC, ""), "lvpipe detect: no space left on its disk"),
        (OSError("two\nlines"), "lvpipe detect: two lines\n"),
        (MemoryError(), "lvpipe detect: not enough memory; end other programs"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you"), "lvpipe detect: not enough memory"),
        (RuntimeError("CUDA out of memory. Tried to allocate"), "lvpipe detect: not enough memory"),
    ],
)
def test_a_users_mistake_or_a_machines_fault_is_one_line_and_exit_code_one(monkeypatch, capsys, error, line):
    def fail(argv):
        raise error

    monkeypatch.setattr(importlib.import_module("lvpipe.stages.detect"), "main", fail)
    assert main(["detect"]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith(line)
    assert captured.err.count("\n") == 1
    assert captured.out == ""


@pytest.mark.parametrize("bug", [ZeroDivisionError(), RuntimeError("mat1 and mat2 shapes cannot be multiplied")])
def test_a_bug_of_ours_keeps_its_traceback(monkeypatch, bug):
    def fail(argv):
        raise bug

    monkeypatch.setattr(importlib.import_module("lvpipe.stages.detect"), "main", fail)
    with pytest.raises(type(bug)):
        main(["detect"])


def test_memory_that_really_runs_out_is_one_line():
    code = "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (8 * 2**30,) * 2)\n"
    code += "import lvpipe.stages.detect as stage, lvpipe.__main__ as program, torch\n"
    code += "stage.main = lambda argv: torch.zeros(2**34)\nsys.exit(program.main(['detect']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert done.stderr.startswith("lvpipe detect: not enough memory; ")


def test_a_folder_where_a_file_should_be_is_named(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    words = ["postprocess", "mask", "--prob", str(tmp_path), "--out", str(tmp_path / "file" / "o"), "--settings", "{}"]
    assert main(words) == 1
    assert capsys.readouterr().err.startswith(f"lvpipe postprocess: {tmp_path}: ")


def test_a_missing_file_is_named(tmp_path, capsys):
    words = [
        "postprocess",
        "mask",
        "--prob",
        str(tmp_path / "no.nii.gz"),
        "--out",
        str(tmp_path / "o"),
        "--settings",
        "{}",
    ]
    assert main(words) == 1
    assert "no.nii.gz: no such file" in capsys.readouterr().err


def test_options_of_a_stage():
    parser = stage_parser("First line.\nSecond.", DetectSettings, "cine", "out")
    assert parser.description == "First line."
    args = parser.parse_args(["--cine", "a", "--out", "b", "--settings", '{"side_mm": 32}'])
    assert (args.cine, args.out, args.settings) == (Path("a"), Path("b"), DetectSettings(side_mm=32))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--cine", "a", "--settings", "{}"], "--out"),
        (["--cine", "a", "--out", "b", "--settings", '{"side": 3}'], "DetectSettings"),
        (["--cine", "a", "--out", "b", "--settings", "no json"], "DetectSettings"),
        (["--cin", "a", "--out", "b", "--settings", "{}"], "--cine"),
    ],
)
def test_wrong_options_are_refused(words, told, capsys):
    with pytest.raises(SystemExit) as caught:
        stage_parser("Doc.", DetectSettings, "cine", "out").parse_args(words)
    assert caught.value.code == 2
    assert told in capsys.readouterr().err


def test_light_stages_start_without_torch():
    light = [f"lvpipe.stages.{stage}" for stage in STAGES]  # even train and segment: they import it when they run
    code = f"import sys, importlib; [importlib.import_module(m) for m in {light}]; import lvpipe.plan; "
    code += "print(*sorted({'torch', 'monai', 'SimpleITK'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stdout + done.stderr


def test_labels_are_what_files_hold():
    values = (labels.BACKGROUND, labels.CAVITY, labels.MYOCARDIUM, labels.NOT_ANNOTATED)
    assert values == (0, 1, 2, 255), "files of earlier runs and of other tools hold these"


def test_a_rejection_is_no_error_of_the_program():
    assert not issubclass(Rejected, UserError)
    assert not issubclass(UserError, Rejected)
