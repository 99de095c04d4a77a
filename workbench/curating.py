"""`workbench curate`: from options to a curated folder, and from there to the Hub."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from workbench import cli, workflow
from workbench.curate_options import Curate
from workbench.curation import CRITERIA, FILTERS, CurationConfig, CurationReport, Filters
from workbench.curation.hub import push, upload_plan
from workbench.errors import InputError


def curate_verb(options: Curate) -> None:
    """Curates a pool; the embedded benchmarks of the same seed are kept out."""
    config = curation_config(options)
    _check(options)
    report = workflow.curate_pool(
        options.pool, options.out, config, student=options.student,
        held_out=workflow.held_out_sets(options.seed, options.held_out),
        read_traces=workflow.student_reader(
            options.score, options.student, options.profile, cli.tell, tries=options.tries
        ),
        embed=workflow.sentence_embedder(options.semantic), workers=workflow.curation_workers(options.pool),
    )  # fmt: skip
    lines = [*report.lines(), f"curated: {report.curated_path}", *_uploaded(report, options)]
    cli.show(report.to_dict(), as_json=options.json, lines=lines)


def _check(options: Curate) -> None:
    """Makes sure that no option is without effect, before anything is read."""
    if options.tries and options.score == "none":
        raise InputError("--tries needs --score sample or --score all: only what the student reads is tried")
    if options.push_to_hub is None and (options.dry_run or options.public):
        raise InputError("--dry-run and --public are about an upload: give --push-to-hub OWNER/NAME as well")


def curation_config(options: Curate) -> CurationConfig:
    """Returns what the options ask for.

    Raises:
        InputError: where a weight or a filter cannot be read.
    """
    return CurationConfig(
        size=options.size,
        seed=options.seed,
        max_tokens=options.max_tokens,
        strategy=options.strategy,
        filters=named_filters(options.filters),
        language=options.language,
        student_sample=workflow.student_sample(options.score),
        **named_weights(options.weights),  # type: ignore[arg-type]
    )


def named_weights(given: Sequence[str]) -> dict[str, float]:
    """Returns fields of `CurationConfig` for weights that were given as CRITERION=WEIGHT.

    >>> named_weights(["quality=2"])
    {'quality_weight': 2.0}

    Raises:
        InputError: naming the criteria, where one is not known or its weight is no number.
    """
    weights = {}
    for text in given:
        name, _, value = text.partition("=")
        try:
            number = float(value)
        except ValueError:
            number = None
        if name not in CRITERIA or number is None:
            raise InputError(f"--weight {text}: give CRITERION=WEIGHT, the criterion one of {', '.join(CRITERIA)}")
        weights[f"{name}_weight"] = number
    return weights


def named_filters(given: Sequence[str]) -> Filters:
    """Returns the filters for modes that were given as NAME=MODE; dashes count as underscores.

    >>> named_filters(["missing-figures=lenient"]).missing_figures
    'lenient'

    Raises:
        InputError: naming the filters or the modes, where one is not known.
    """
    modes = {}
    for text in given:
        name, _, mode = text.partition("=")
        if not mode:
            raise InputError(f"--filter {text}: give NAME=MODE, the name one of {', '.join(FILTERS)}")
        modes[name.replace("-", "_")] = mode
    return Filters.of(modes)


def _uploaded(report: CurationReport, options: Curate) -> list[str]:
    """Uploads where that is asked for; returns what was, or would be, done."""
    if options.push_to_hub is None:
        return []
    if not options.dry_run:
        return [f"uploaded: {push(report.out, options.push_to_hub, private=not options.public)}"]
    files = [f"  {file.name}  {file.stat().st_size:,} bytes" for file in upload_plan(Path(report.out))]
    seen = "public" if options.public else "private"
    return [f"would be uploaded to {options.push_to_hub} ({seen}):", *files]
