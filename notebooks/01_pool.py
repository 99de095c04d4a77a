# %% [markdown]
# # 1 · The pool: problems, and solutions that explain themselves
#
# Before a student can learn to reason, somebody has to reason in front of it. The paper asks a strong model. This
# workbench can do that too, but it also brings a teacher that is free, offline and always right: for each kind of
# problem there is a **program that solves it and writes down how**. Its traces are called *worked solutions*, and they
# are never passed off as a language model's.
#
# **You will**
#
# - make a pool of problems with worked solutions, and read one level by level;
# - see why every answer is verified, and by whom;
# - bring a file of your own into the same form.

# %% [markdown] tags=["badge"]
# [![Open in Colab](open-in-colab.svg)](https://colab.research.google.com/github/reasonbridge/workbench/blob/main/notebooks/01_pool.ipynb)

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
SIZE = 600

# %% tags=["preflight"]
import workbench as wb

wb.doctor(PROFILE)

# %% [markdown]
# ## Make a pool
#
# Each problem is drawn from a seed of its own, so the same call gives the same pool everywhere. Six of the sixteen
# families are missing on purpose: they are held out whole, so that notebook 05 can ask whether anything *transferred*.

# %%
from collections import Counter

pool = wb.embedded_pool(size=SIZE, seed=0)

print(len(pool), "traces")
print(Counter(trace.problem.source for trace in pool))

# %% [markdown]
# ## Read one trace
#
# The colours are the levels of the hierarchy, the same in all notebooks. The **plan** says how to approach the problem
# (the *strategic* level), the **steps** carry it out (the *tactical* level), the **check** verifies the result by
# another route, and the **answer** stands alone.

# %%
trace = pool[1]
wb.side_by_side(trace.problem, trace)

# %% [markdown]
# Behind the colours is a plain record. Every stage of the workbench reads and writes such records, one JSON object a
# line, so each of them can be replaced by a tool of yours.

# %%
print(trace.teacher, "·", trace.model_version, "·", trace.problem.id)
for step in trace.steps:
    print(f"{step.role:>9}: {step.text}")
print(f"{'answer':>9}: {trace.answer}")

# %% [markdown]
# ## Verify everything
#
# A student imitates mistakes as readily as it imitates sense. So no trace enters the pool on trust: the solver never
# sees the reference answer, and a grader that knows nothing of the solver compares the two. The same grader later
# judges every student, in any form it cares to answer.

# %%
right = trace.problem.answer
for text in (f"Answer: {right}", f"I think it must be {right}.", "Answer: 1000000", "no idea"):
    grade = wb.grade(trace.problem, text)
    print(f"{grade.verdict:>9}  read as {grade.extracted!r:10}  {text}")

# %%
verified = sum(wb.grade(each.problem, f"Answer: {each.answer}").is_correct for each in pool)
print(f"{verified} of {len(pool)} worked answers are right")

# %% [markdown]
# ## How hard is it?
#
# Each family has levels from easy to hard. The length of a worked solution tells them apart: a longer one means more
# steps, and more places to go wrong. Curation (notebook 02) needs this spread, since a student learns little from what
# is too easy and, if it is small, even less from what is too hard.

# %%
wb.plot_pool(pool)

# %% [markdown]
# ## Browse
#
# Choose a family, then move the slider. Notice that plans of one family resemble each other: a small student learns a
# form from fewer traces when the form does not vary.

# %%
wb.browse_traces(pool)

# %% [markdown]
# ## Bring your own
#
# Files in shapes that people already have are recognised by their fields: GSM8K, MATH, s1K, chat messages, and more.
# Here is a small file in GSM8K's shape, with one broken line in it. The broken line is neither fatal nor dropped in
# silence: it is counted, and set aside with its reason.

# %%
import json
from pathlib import Path

folder = Path("runs/notebook/pool")
folder.mkdir(parents=True, exist_ok=True)
rows = [
    {"question": "A book has 12 pages. Ada read 5. How many are left?", "answer": "12 - 5 = 7 pages are left.\n#### 7"},
    {"question": "Three boxes hold 4 pens each. How many pens?", "answer": "3 * 4 = 12 pens.\n#### 12"},
]
lines = [*map(json.dumps, rows), '{"question": "half a line']
(folder / "mine.jsonl").write_text("\n".join(lines))

# %%
report = wb.import_pool(folder / "mine.jsonl", folder / "imported.jsonl")
mine = list(wb.read_records(folder / "imported.jsonl", wb.Trace))

print(report.traces, "traces,", report.rejected, "row rejected:")
print((folder / "imported.rejected.jsonl").read_text())
print(mine[0].answer, "·", mine[0].reasoning, "· verified:", mine[0].is_correct)

# %% [markdown]
# Nobody has verified these, and the record says so: `is_correct` is `None`, not `True`. Their reasoning came in
# one piece; a segmenter has cut it into steps and guessed the role of each from its words.
#
# ## Try this
#
# 1. Look for the longest worked solution of the pool. Would *you* write it that way?
# 2. Change the seed. Which numbers in this notebook change, and which do not?
# 3. Put three problems of your own into `mine.jsonl`, and look at one with `wb.side_by_side`.
#
# **Next:** [02_curate](02_curate.ipynb), which chooses the few traces that are worth learning.
