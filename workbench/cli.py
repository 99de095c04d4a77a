"""`workbench VERB`: one function per verb, over the same API as the notebooks."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from contextlib import redirect_stderr
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from workbench.acceleration import import_unsloth, why_not_unsloth
from workbench.curate_options import Curate
from workbench.errors import InputError, StorageError, WorkbenchError
from workbench.progress import close_bars
from workbench.quiet import quiet_libraries

INTERRUPTED = 130
"""The exit code of a process that Ctrl-C ended, as shells know it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doctor:
    """What this machine can do, and the exact fix for what is missing."""

    profile: Literal["cpu", "t4", "l4", "a100", "h100"] = "cpu"
    """The kind of machine that is meant to be used."""
    json: bool = False
    """Print JSON instead of a table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Write the embedded pool, or import data of any known shape."""

    out: Path
    """The file to write: .jsonl, .jsonl.gz or .parquet."""
    source: Annotated[str | None, tyro.conf.arg(name="from", metavar="FILE|FOLDER|hf:ID")] = None
    """What to import instead: .jsonl, .json, .csv, .tsv (each also with .gz), .parquet, a folder of them, or hf:ID."""
    fields: Annotated[
        tuple[str, ...], tyro.conf.arg(name="map", metavar="TARGET=FIELD"), tyro.conf.UseAppendAction
    ] = ()
    """What a field is, such as question=problem or answer=doc.key, where that is not recognised; may be repeated."""
    limit: int | None = None
    """Traces to import, at most."""
    encoding: str | None = None
    """Of imported texts, such as latin-1; by default UTF-8, or what their first bytes say."""
    config: str | None = None
    """The configuration of a data set of the Hub."""
    split: str | None = None
    """Its split; by default train, or the only one there is."""
    teacher: str | None = None
    """Who wrote imported solutions, where the data does not say it."""
    license: str | None = None
    """Of imported data, as the Hub spells it."""
    unsegmented: bool = False
    """Leave imported solutions whole, instead of cutting them into steps with roles."""
    size: int = 59_029
    """Traces of the embedded pool."""
    seed: int = 0
    """Other seeds give other problems."""
    families: Literal["core", "all"] = "all"
    """core: those of the demo, few enough for a small student."""
    ladder: Literal["usual", "wide"] = "usual"
    """wide: with levels below and above those of the benchmarks."""
    long_share: float = 0.0
    """Traces in the long form, with two checks."""
    wordings: int = 1
    """Ways of wording; 1 is the plain one alone."""
    slip_share: float = 0.0
    """Long traces with a slip that the check finds and mends."""
    defect_share: float = 0.0
    """Traces with a planted defect; the labels go to STEM.labels.jsonl."""
    champ: bool = False
    """Mix in CHAMP's 270 problems, which are a benchmark themselves (pip install champ-dataset)."""
    workers: int = 0
    """Processes; 0: as many as suit. The file does not depend on it."""
    json: bool = False
    """Print JSON instead of lines."""

    def embedded(self) -> Any:
        """Returns the settings of the embedded pool."""
        from workbench.pool import PoolConfig  # here, because the generators take seconds to import

        return PoolConfig(**{name: getattr(self, name) for name in PoolConfig.__dataclass_fields__})


@dataclass(frozen=True, slots=True, kw_only=True)
class Collect:
    """Ask a teacher for the solutions of problems; goes on where it was stopped, and never passes its budget."""

    problems: Path
    """A file of problems: .csv with a column `question`, .jsonl, .json or .parquet."""
    teacher: str
    """openai:MODEL, anthropic:MODEL, replay:FILE (recorded traces) or worked (embedded problems)."""
    out: Path
    """The file of traces to write: .jsonl, .jsonl.gz or .parquet; its ledger lies beside it."""
    max_cost: float | None = None
    """US dollars that all runs into this file may cost together; a must where calls cost money."""
    holdout: int = 0
    """Problems with an answer to keep from the teacher, for `workbench evaluate`."""
    samples: int = 1
    """Answers per problem."""
    dry_run: bool = False
    """Say what it would cost, and ask nothing."""
    base_url: str | None = None
    """Another server that speaks the provider's protocol, such as http://127.0.0.1:8000/v1."""
    api: Literal["chat", "responses"] = "chat"
    """Of openai:MODEL; the Responses API returns summaries of the model's thoughts, which are kept."""
    price_in: float | None = None
    """US dollars per million tokens sent, for models that the table does not know."""
    price_out: float | None = None
    """US dollars per million tokens written."""
    free: bool = False
    """The calls cost nothing."""
    key_variable: str | None = None
    """The environment variable of the key; by default OPENAI_API_KEY or ANTHROPIC_API_KEY."""
    max_tokens: int = 4_096
    """Tokens of a reply, thoughts included, at most."""
    temperature: float | None = None
    """By default the model's own."""
    timeout: float = 300.0
    """Seconds without a sign of life after which a call is given up."""
    concurrency: int = 8
    """Calls in flight, at most."""
    batch: bool = False
    """Ask by the provider's batch API: half the listed price, within a day; run it again to fetch what has come."""
    ask_again: bool = False
    """Ask again what was refused, cut off or malformed before."""
    seed: int = 0
    """Of the problems that are held out."""
    json: bool = False
    """Print JSON instead of lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Distill:
    """Train a sparse adapter on curated traces; picks up where it was stopped."""

    traces: Path
    """A file of traces, or a folder that `workbench curate` wrote."""
    out: Path
    """The folder of the distilled student."""
    student: str = "smollm2-135m"
    """The base student: a name, a folder or a Hub id."""
    budget: float = 0.003
    """Trained parameters, as a fraction of the base model's."""
    epochs: int = 2
    """Passes over the traces."""
    learning_rate: float = 3e-3
    """Peak learning rate."""
    first_layer: int | None = None
    """Lowest adapted layer; by default at 40 % of the depth."""
    max_tokens: int = 384
    """Longer traces are left out."""
    profile: Literal["cpu", "t4", "l4", "a100", "h100"] = "cpu"
    """The kind of machine."""
    seed: int = 0
    """Of initial values and batches."""
    json: bool = False
    """Print JSON instead of a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Solve:
    """Answer one question as you watch, with interventions shown."""

    question: tyro.conf.Positional[str]
    """The question."""
    student: str = "smollm2-135m"
    """A name, a folder (a distilled student's, for instance) or a Hub id."""
    guided: bool = False
    """Plan first, check before answering, answer within the budget."""
    max_tokens: int = 256
    """Tokens of the answer, at most."""
    temperature: float = 0.0
    """0 is greedy."""
    top_p: float = 1.0
    """Draw only from the likeliest tokens that together have this probability."""
    min_p: float = 0.0
    """Draw only from tokens that have this fraction of the likeliest one's."""
    fast: bool = False
    """Decode in 8 bits: faster on a CPU, but not the same answer token for token."""
    seed: int = 0
    """Of the sampling noise."""
    json: bool = False
    """Print the completion as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluate:
    """Measure a student on a benchmark, with intervals, against its base."""

    student: str
    """A distilled student's folder, or any student."""
    benchmark: str = "embedded-dev"
    """embedded-dev to choose on, embedded to report on, or a file of problems."""
    out: Path = Path("runs/evaluate")
    """The folder to write."""
    guided: bool = False
    """Add an arm with guidance."""
    per_family: int = 20
    """Problems of each family of an embedded benchmark."""
    max_tokens: int = 200
    """Tokens of an answer, at most."""
    fast: bool = False
    """Decode in 8 bits: several times faster on a CPU, but not the same answers token for token."""
    seed: int = 0
    """Of the problems and the bootstrap."""
    json: bool = False
    """Print JSON instead of a table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """Write a student as others load it."""

    student: str
    """A distilled student's folder, or any student."""
    out: Path
    """The folder to write."""
    format: Literal["merged", "peft"] = "merged"
    """merged: whole weights, tokenizer and model card; peft: the adapter's folder as it is."""
    dtype: Literal["float32", "float16", "bfloat16"] = "float32"
    """Of merged weights; only float32 keeps every greedy token."""
    json: bool = False
    """Print JSON instead of lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare:
    """Open the side-by-side app: teacher, base, student and guided student on one question."""

    port: int | None = None
    """By default the first free one from 7860 on."""
    student: str = "smollm2-135m-reason1k"
    """A name, a folder (a distilled student's, for instance) or a Hub id."""
    recorded: Path | None = None
    """A run's evaluate folder to open with; by default the comparisons that come with the workbench."""
    share: bool = False
    """Open a tunnel to Gradio's servers, for everybody who knows its address."""
    json: bool = False
    """Print the address as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoVerb:
    """All of it on the embedded default: pool, curate, distil, evaluate, report."""

    out: Path = Path("runs/demo")
    """The run's folder; run the same command again to go on after an interruption."""
    seed: int = 0
    """Of everything that is drawn."""
    pool_size: int = 59_029
    """Traces in the pool."""
    size: int = 1_000
    """Traces to curate."""
    per_family: int = 20
    """Problems of each family in the benchmark."""
    epochs: int = 2
    """Passes over the curated traces; one, with --batch-size 2, takes half the time and teaches less."""
    batch_size: int | None = None
    """Traces per step; by default the profile's."""
    first_layer: int | None = None
    """Lowest adapted layer; by default at 40 % of the depth."""
    split: Literal["test", "dev"] = "test"
    """Choose on dev, report on test."""
    profile: Literal["cpu", "t4", "l4", "a100", "h100"] = "cpu"
    """The kind of machine."""
    student: str | None = None
    """By default the profile's."""
    json: bool = False
    """Print the summary as JSON."""


VERBS: dict[str, Callable[..., Any]] = {
    "doctor": Doctor,
    "pool": Pool,
    "collect": Collect,
    "curate": Curate,
    "distill": Distill,
    "solve": Solve,
    "evaluate": Evaluate,
    "export": Export,
    "compare": Compare,
    "demo": DemoVerb,
}


def main(arguments: list[str] | None = None) -> None:
    """Runs one verb; bad input ends with one clear line on standard error and a non-zero exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        options = parse(arguments)
        _verb(options)(options)
    except KeyboardInterrupt:
        _end("interrupted; what is finished is kept: run the same command again to go on", INTERRUPTED)
    except WorkbenchError as error:
        _end(str(error), error.exit_code)
    except MemoryError:
        _end("out of memory; close other programs, or choose smaller sizes", StorageError.exit_code)


def _verb(options: Any) -> Callable[[Any], None]:
    """The verb's function; `doctor` must answer where the heavy libraries cannot even be imported."""
    name = next(name for name, kind in VERBS.items() if kind is type(options))
    if getattr(options, "profile", "cpu") != "cpu" and not why_not_unsloth():
        import_unsloth()  # it patches the libraries below, and must come first
    light = {
        "doctor": "workbench.preflight:print_doctor",
        "collect": "workbench.collecting:collect_verb",
        "pool": "workbench.pooling:pool_verb",
        "compare": "workbench.views.server:compare",
    }
    if name not in light:
        quiet_libraries()
    home = {**light, "curate": "workbench.curating:curate_verb"}.get(name, f"workbench.verbs:{name}")
    module, function = home.split(":")
    verb: Callable[[Any], None] = getattr(import_module(module), function)
    return verb


def parse(arguments: list[str]) -> Any:
    """Returns the options of the verb in ``arguments``.

    Raises:
        InputError: one line, where the verb or an option is unknown or does not fit.
        SystemExit: with code 0, where help was asked for.
    """
    complaint = io.StringIO()
    try:
        with redirect_stderr(complaint):
            return tyro.extras.subcommand_cli_from_dict(
                VERBS,
                args=arguments or ["--help"],
                prog="workbench",
                description="Carry reasoning from a strong teacher into a small open student.",
                config=(tyro.conf.FlagCreatePairsOff,),
            )
    except SystemExit as stopped:
        if not stopped.code:
            raise
        raise InputError(_one_line(complaint.getvalue(), arguments)) from None


def _one_line(box: str, arguments: list[str]) -> str:
    """The first part of the parser's framed complaint, with where to find help."""
    if arguments and arguments[0] not in VERBS:
        return f"unknown verb {arguments[0]!r}; the verbs are {', '.join(VERBS)}"
    parts: list[list[str]] = [[]]
    for line in box.splitlines()[1:]:
        text = line.strip("│╭╮╰╯ ")
        if set(text) <= {"─"}:
            parts.append([])
        else:
            parts[-1].append(text)
    said = " ".join(parts[0]).rstrip(".")
    close = next((text.split()[0] for part in parts[1:] for text in part if text.startswith("--")), "")
    suggestion = f"; perhaps {close}" if close and "nrecognized" in said else ""
    return f"{said}{suggestion}; see workbench {arguments[0]} --help"


def _end(message: str, code: int) -> None:
    close_bars()
    print("workbench:", " ".join(message.split()), file=sys.stderr)
    raise SystemExit(code)


def tell(line: str) -> None:
    """Prints a line for people beside the result, on standard error."""
    print(line, file=sys.stderr, flush=True)


def show(value: Any, *, as_json: bool, lines: list[str]) -> None:
    """Prints a verb's result: JSON for programs, lines for people."""
    print(json.dumps(value, indent=1, default=str) if as_json else "\n".join(lines))
