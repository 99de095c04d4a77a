# %% [markdown]
# # 2 · Curate: a few traces, chosen together
#
# The paper distils about **1,000** traces, not 59,000. The bet is that a small, varied, clean set teaches the *form*
# of reasoning, and that more of the same adds little. But which thousand? The abstract names difficulty, diversity and
# quality; how they are weighed is **ours**: one objective over these, the length of a trace and how well it suits the
# student, so that each trace is judged by what it *adds* to those already chosen.
#
# **You will**
#
# - send a pool through the filters, and read the reason for every loss;
# - watch the selection choice by choice, and move its weights yourself;
# - compare it with what a random draw of the same size would have been.

# %% [markdown] tags=["badge"]
# [![Open in Colab](open-in-colab.svg)](https://colab.research.google.com/github/reasonbridge/workbench/blob/main/notebooks/02_curate.ipynb)

# %% tags=["install"]
# Acts on Colab only. torch, torchvision and numpy stay as Colab has them: named by their exact versions, pip
# cannot exchange them under the running kernel, so nothing has to be restarted.
import sys
from importlib.metadata import version

if "google.colab" in sys.modules:
    kept = " ".join(f"{name}=={version(name)}" for name in ("torch", "torchvision", "numpy"))
    # %pip install --quiet {kept} "reasonbridge-workbench @ git+https://github.com/reasonbridge/workbench"

# %% tags=["parameters"]
PROFILE = "cpu"  # nothing here needs a GPU
POOL = 2_000
SIZE = 200

# %% tags=["preflight"]
import workbench as wb

wb.doctor(PROFILE)

# %% [markdown]
# ## Curate
#
# A generated pool is cleaner than anything found in the wild, so let us spoil it first: some answers become wrong, and
# some solutions lose their check.

# %%
from dataclasses import replace

pool = wb.embedded_pool(size=POOL, seed=0)
pool[::16] = [replace(trace, answer="1000003", is_correct=None) for trace in pool[::16]]
pool[5::25] = [replace(trace, steps=trace.steps[:-1]) for trace in pool[5::25]]

# %% [markdown]
# Two thousand traces go in, two hundred come out. Both embedded benchmarks are held against the pool as well, so that
# no test question, and no near copy of one, is ever learnt.

# %%
curated = wb.curate(pool, size=SIZE, student=wb.profile(PROFILE).student, out="runs/notebook/curate")

print(f"{curated.kept} of {curated.read} traces kept, in {curated.out}")

# %% [markdown]
# ## The funnel
#
# First what is *wrong* goes (a false answer, a missing section, more tokens than the student can take), then what is
# there twice, then what comes too close to a test. Only the last bar is a matter of judgement.

# %%
wb.plot_waterfall(curated)

# %% [markdown]
# Each filter has a mode, and passes on what it lets through: `wb.curate(pool, filters={"language": "lenient"})` changes
# one. First stands what was held against the pool. Benchmarks that are not on this machine are listed as
# *not checked*: nobody can promise anything about them.

# %%
print("\n".join(curated.contamination.lines()))

wb.table({"filter": step.name, "mode": step.mode, "in": step.before, "out": step.after} for step in curated.filters)

# %% [markdown]
# What is kept of what there was, by domain and difficulty: every domain gives the same number, and within it every
# source, however many rows it has. Where a cell is pale, the pool has far more than was needed.

# %%
survivors = wb.survivor_columns(curated)
wb.plot_map(survivors)

# %% [markdown]
# ## Choice by choice
#
# Move the slider through the choices in the order in which they were made (the arrow keys work too). The bars show
# what each criterion gave. The first choices are new in every respect; later ones have to live on what is left, so
# *diversity* shrinks. That gains can only shrink is what makes this greedy choice provably good: at least half as good
# as the best one possible (Fisher, Nemhauser and Wolsey, 1978).

# %%
wb.browse_choices(curated)

# %% [markdown]
# ## Other weights, other traces
#
# Each move of a slider chooses anew from all survivors; the weights are in tenths. Quality alone makes a set of
# look-alikes; diversity alone takes in what is badly checked. *Suitability* needs a student that has read the traces:
# `wb.curate(pool, score="sample")` has 500 read and predicts the rest, which takes minutes.

# %%
wb.browse_weights(curated)

# %% [markdown]
# The same in one picture: what was kept stands in front of what was not.

# %%
wb.plot_criteria(survivors, "difficulty", "quality")

# %% [markdown]
# ## Against a random draw
#
# A selection that cannot beat a lottery is not worth its code, so the lottery is always played beside it: as many rows,
# from the same survivors, with the same seed.

# %%
rows = [("chosen", curated.selected), ("random draw", curated.random), ("all survivors", curated.survivors)]
wb.table(
    {
        "set": name,
        "rows": each.rows,
        **each.bands,
        "strategies": each.strategies,
        "words": each.words,
        "quality": each.mean_quality,
        "objective": each.objective,
    }
    for name, each in rows
)

# %% [markdown]
# The choice covers more words and strategies and keeps its bands balanced. That does *not* yet prove a better student:
# the objective is ours, and it is bound to score well at its own game. Only notebook 05 can tell.
#
# One thing is left out on purpose: "take the hardest and longest" is the recipe for students of 32 billion parameters.
# Published attempts with 1.5 billion got *worse* by it.

# %% [markdown]
# ## And the others?
#
# Every row that was lost has a reason on record; here is one of each kind. A pool that you cannot audit is a pool that
# you cannot mend.

# %%
import pyarrow.parquet as pq

dropped = pq.read_table(curated.dropped_path, columns=["reason", "stage", "source", "detail"]).to_pylist()
wb.table({row["reason"]: row for row in dropped}.values())

# %% [markdown]
# ## Try this
#
# 1. Curate 50 instead of 200. What becomes of the gap between the choice and the random draw, and why?
# 2. `wb.curate(pool, size=SIZE, strategy="longest")`, then `"s1"`: which families and strategies are missing now?
# 3. Open `runs/notebook/curate/README.md`: the data card was written by the same run.
#
# **Next:** [03_distill](03_distill.ipynb), where a student learns from such traces.
