"""What the filters of language and of missing figures drop where nothing, or next to nothing, should be dropped.

Every source is taken to be in English. Words about figures were chosen on pools of seed 4 and on the real data; the
generated pool is drawn with another seed.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator

from tests.benchmarks.labelled import DATA
from tests.benchmarks.measuring import OUT
from workbench.curation import FILTERS, CurationConfig, Filters
from workbench.curation.filters import judge
from workbench.files import write_text
from workbench.pool import RICH, embedded_pool
from workbench.pool.sources import open_source
from workbench.records import Reader, Seen, Trace

SOURCES = ("gsm8k", "math", "mawps", "tal_scq5k", "theoremqa", "knights_knaves", "qwen3_traces")
_OFF = dict.fromkeys(FILTERS, "off")
_MODES = {
    "other language": {"language": "strict"},
    "figure, strict": {"missing_figures": "strict"},
    "figure, lenient": {"missing_figures": "lenient"},
}


def filters(rows: int, seed: int, runs: int) -> None:
    """Rows dropped by source and mode, with the first details, as ``runs/bench/filters.json``."""
    found = {"embedded": counted(embedded_pool(rows, seed, RICH))}
    found |= {name: counted(real(name)) for name in SOURCES if (DATA / name).exists()}
    result = {"name": "filters", "seed": seed, "sources": found}
    write_text(OUT / "filters.json", json.dumps(result, indent=1))
    print(json.dumps(result, indent=1), flush=True)


def real(name: str) -> Iterator[Trace]:
    """Yields the traces of a folder of real data."""
    seen = Seen()
    for place in open_source(str(DATA / name)).places:
        complete = place.companion.complete if place.companion else None
        yield from Reader(place.rows, Trace, seen=seen, complete=complete).records(lambda rejected: None)


def counted(traces: Iterable[Trace]) -> dict[str, object]:
    """Returns how many traces each mode drops, each filter looking at all of them."""
    configs = {name: CurationConfig(filters=Filters.of({**_OFF, **modes})) for name, modes in _MODES.items()}
    dropped, details, read = Counter[str](), Counter[str](), 0
    for trace in traces:
        read += 1
        for name, config in configs.items():
            if defect := judge(trace, config).defect:
                dropped[name] += 1
                details[f"{name}: {defect.detail}"] += 1
    return {"rows": read, **{name: dropped[name] for name in configs}, "details": dict(details.most_common(5))}
