"""The command line as a whole: help, versions, errors, records, and what is imported."""

import datetime
import inspect
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import typer
from commands import FAILED, done, record_of, refused, strads_

import strads
from strads.algorithms.linear.solver.lasso_program import DEFAULT
from strads.cli import app

COMMANDS = [
    (), ("fit",), ("fit", "lasso"), ("fit", "enet"), ("fit", "group"), ("fit", "logistic"),
    ("fit", "glm"), ("fit", "nonconvex"),
    ("fit", "svm"), ("fit", "svr"), ("path",), ("cv",),
    ("fit", "mf"), ("fit", "implicit"), ("fit", "nmf"), ("fit", "dictionary"), ("fit", "glasso"),
    ("fit", "lda"), ("fit", "medlda"), ("fit", "ising"),
    ("predict",), ("transform",), ("recommend",), ("resume",), ("top",), ("warm",), ("demo",),
    ("diagnose",), ("pilot",),
    ("runs",), ("show",), ("compare",), ("report",),
]  # fmt: skip
PAGE = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text()
ESTIMATORS = {
    "lasso": strads.Lasso, "enet": strads.ElasticNet,
    "group": strads.GroupLasso, "glm": strads.GeneralizedLinearRegressor,
    "nonconvex": strads.NonconvexRegressor,
    "logistic": strads.SparseLogisticRegression, "svm": strads.LinearSVC,
    "svr": strads.LinearSVR, "mf": strads.MatrixFactorization,
    "implicit": strads.ImplicitFactorization, "nmf": strads.NMF,
    "dictionary": strads.DictionaryLearning, "lda": strads.LatentDirichletAllocation,
    "medlda": strads.MedLDA, "ising": strads.GraphSampler, "glasso": strads.GraphicalLasso,
}  # fmt: skip

LINEAR = ("lasso", "enet", "group", "glm", "nonconvex", "logistic", "svm", "svr")
PENALISED = ("lasso", "enet", "group", "glm", "nonconvex", "logistic")


@pytest.fixture
def design(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 3))
    np.savez(tmp_path / "x.npz", X=X, y=X @ [1.0, 0.0, 2.0])
    return tmp_path / "x.npz"


def command(*names):
    found = typer.main.get_command(app)
    for name in names:
        found = found.commands[name]
    return found


def test_version():
    assert done("--version").stdout.strip() == f"strads {strads.__version__}"


@pytest.mark.parametrize("names", COMMANDS, ids=" ".join)
def test_help_names_and_describes_every_option(names):
    told = done(*names, "--help").stdout
    assert "Usage" in told
    for parameter in command(*names).params:
        assert parameter.help, parameter.name
        for option in parameter.opts if parameter.param_type_name == "option" else ():
            assert option in told


def row(option):
    """Return the row of an option in the tables of docs/command-line.md."""
    names = ", ".join(f"`{name}`" for name in [*option.opts, *option.secondary_opts])
    default = "on" if option.default is True else str(option.default)
    if option.default is None or option.default is False:
        default = ""
    return f"| {names} | {'required' if option.required else default} | {option.help} |"


@pytest.mark.parametrize("names", COMMANDS, ids=" ".join)
def test_the_page_has_every_option_as_help_tells_it(names):
    options = [p for p in command(*names).params if p.param_type_name == "option"]
    rows = {row(option) for option in options} - {row(command().params[0])}  # --version
    assert sorted(rows - set(PAGE.splitlines())) == []
    assert not names or f"strads {' '.join(names)}" in PAGE


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["fit", "mf", "--help"]])
def test_help_imports_nothing_that_takes_long(arguments):
    program = (
        "import sys; from strads.cli import app\n"
        "try: app(sys.argv[1:])\n"
        "finally: print(sorted({'numpy', 'numba', 'scipy', 'sklearn', 'rich'} & set(sys.modules)))"
    )
    run = [sys.executable, "-c", program, *arguments]
    told = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    assert told.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", ESTIMATORS)
def test_options_are_the_parameters_of_the_estimator(name):
    """An option and its parameter have the same name, or both names work; and the same default."""
    parameters = inspect.signature(ESTIMATORS[name]).parameters
    short = {
        "topics": "n_components", "rank": "n_components", "workers": "n_workers",
        "seed": "random_state", "intercept": "fit_intercept",
    }  # fmt: skip
    shared = 0
    for option in command("fit", name).params:
        if (parameter := short.get(option.name, option.name)) not in parameters:
            continue
        shared += 1
        assert f"--{parameter.replace('_', '-')}" in option.opts
        default = parameters[parameter].default
        # A seed of None means 0; and NMF's default of a component a feature serves nobody here.
        told = parameter == "random_state" or (name, parameter) == ("nmf", "n_components")
        if not (told or option.required):
            assert option.default == default, parameter
    assert shared > 6
    missing = {"alpha", "max_iter", "n_components", "tol"} & set(parameters)
    assert missing <= {
        short.get(option.name, option.name) for option in command("fit", name).params
    }


def test_the_default_of_rho_is_what_help_says():
    assert f"default: {DEFAULT.rho}." in done("fit", "lasso", "--help").stdout.replace("\n", " ")


def test_a_record_says_when_how_and_by_what(design, tmp_path):
    arguments = ("fit", "lasso", design, "--alpha", 0.1, "--workers", 1, "--out", tmp_path / "a b")
    done(*arguments)
    record = record_of(tmp_path / "a b")
    assert record["command"] == (
        f"strads fit lasso {design} --alpha 0.1 --workers 1 --out '{tmp_path}/a b'"
    )
    passed = datetime.datetime.now().astimezone() - datetime.datetime.fromisoformat(record["date"])
    assert datetime.timedelta(seconds=-1) <= passed < datetime.timedelta(hours=1)
    packages = ("numpy", "numba", "scipy", "scikit-learn")
    assert {name: record["versions"][name] for name in packages} == {
        name: version(name) for name in packages
    }
    assert record["versions"]["strads"] == record["version"] == strads.__version__
    assert record["versions"]["python"] == sys.version.split()[0]
    assert record["peak_memory_bytes"]["leader"] > 10**7
    assert record["model"] == "Lasso"


def needed(command):
    """Return the options that a command cannot go without."""
    if command == "medlda":
        return ("--labels", "labels.txt")
    return ("--alpha", 1) if command in PENALISED else ()


@pytest.mark.parametrize(
    ("command", "name", "content"),
    [
        ("lasso", "nul.mtx", b"%%MatrixMarket matrix coordinate real general\n1 1 1\n1 1 1.0\0\n"),
        ("lasso", "cut.npy", b"\x93NUMPY\x01\x00\x76\x00{'shape': ((3, "),
        ("lasso", "cut.svm.gz", b"\x1f\x8b\x08\0\0\0\0\0"),
        ("lasso", "name\udcff.npz", b"PK\x03\x04"),
        ("lasso", "x.parquet", b"PAR1"),
        ("nmf", "x.csv", b"a,b\n1\n"),
        ("mf", "x.csv.gz", b"no archive"),
        ("mf", "x.csv", b"1,2,3\n1,\xff,3\n"),
        ("mf", "x.npz", b""),
        ("implicit", "x.csv", b"user,item\n1,2\n,3\n"),
        ("lda", "docword.x.txt", b"200000000\n5\n1\n1 1 1\n"),
        ("lda", "x.npz", b"PK\x05\x06" + bytes(18)),
        *((command, "folder.npz", None) for command in ESTIMATORS),
        *((command, "gone.npz", ...) for command in ESTIMATORS),
    ],
)
def test_a_damaged_file_is_exit_code_2_and_one_line(tmp_path, command, name, content):
    path = tmp_path / name
    if content is None:
        path.mkdir()
    elif content is not ...:
        path.write_bytes(content)
    options = ("--target", "a") if command in LINEAR else ()
    options += needed(command)
    refused("fit", command, path, *options, says=name.partition("\udcff")[0])


TRAPS = {
    "ratings.csv": ("userId,movieId,rating\n1,2,3\n1,3,4\n", {"lasso", "nmf", "lda"}, "fit mf"),
    "ml.dat": ("1::1193::5::978300760\n1::661::3::978302109\n", {"lda"}, "fit mf"),
    "u.tsv": (
        "196\t242\t3\t881250949\n186\t302\t3\t891717742\n",
        {"lasso", "nmf", "lda"},
        "fit mf",
    ),
    "wide.csv": (",".join(map(str, range(51))) + "\n", {"mf", "implicit"}, "fit lasso"),
    "places.csv": ("lat,long,price\n8.25,1.5,3\n9.5,2.5,1\n", {"mf", "implicit"}, "measurements"),
}


@pytest.mark.parametrize(
    ("name", "command"), [(name, each) for name in TRAPS for each in sorted(TRAPS[name][1])]
)
def test_data_of_another_kind_are_refused(tmp_path, name, command):
    text, _, says = TRAPS[name]
    path = tmp_path / name
    path.write_text(text)
    options = ("--alpha", 1, "--target", "rating" if name == "ratings.csv" else "2")
    refused("fit", command, path, *(options if command in LINEAR else ()), says=(name, says))


@pytest.mark.parametrize("command", ESTIMATORS)
def test_an_unusable_folder_is_reported_before_a_long_read(tmp_path, command):
    occupied = tmp_path / "run"
    occupied.write_text("a file")
    refused(
        "fit",
        command,
        tmp_path / "gone.npz",
        *needed(command),
        "--out",
        occupied,
        says=str(occupied),
    )


def test_files_that_no_run_has_written_are_not_replaced(design, tmp_path):
    (tmp_path / "vocab.txt").write_text("my own\n")
    run = ("fit", "lasso", design, "--alpha", 1, "--workers", 1)
    refused(*run, "--out", tmp_path, says=("vocab.txt", "another folder"))
    done(*run, "--out", tmp_path / "run")
    refused(*run, "--out", tmp_path / "run", says=("holds a run already", "another folder"))
    assert (tmp_path / "vocab.txt").read_text() == "my own\n"


def test_too_little_memory_is_exit_code_3_and_one_line(design, monkeypatch):
    def full(*_):
        raise MemoryError("Unable to allocate 9 TiB")

    monkeypatch.setattr("strads.algorithms.linear.regression.lasso.Lasso.fit", full)
    ended = strads_("fit", "lasso", design, "--alpha", 1, "--quiet")
    assert ended == (FAILED, "", "strads: out of memory (Unable to allocate 9 TiB)\n")


def test_a_mistake_of_our_own_is_not_hidden(design, monkeypatch):
    def mistaken(*_):
        raise KeyError("w")

    monkeypatch.setattr("strads.algorithms.linear.regression.lasso.Lasso.fit", mistaken)
    with pytest.raises(KeyError):
        strads_("fit", "lasso", design, "--alpha", 1)
