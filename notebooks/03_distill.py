# %% [markdown]
# # 3 · Distil: two levels, and 0.3 % of the weights
#
# Ordinary distillation treats a trace as one long text. But then a page of arithmetic drowns the one sentence that
# said *why* it is done this way. **Hierarchical distillation** keeps the levels apart: plan, steps, check and answer
# each have a loss of their own, averaged over their own tokens before they are weighed. (The paper's abstract names
# strategic and tactical levels; the weighing is **ours**.)
#
# All of this happens in a **sparse adapter**: small low-rank matrices beside the frozen weights, of at most 0.3 % of
# their number.
#
# **You will**
#
# - distil a small student from traces that come with the workbench;
# - audit what was trained, to the last parameter;
# - know the same call for a T4, an L4 or an A100, and the paper's own 14B student.

# %% [markdown] tags=["badge"]
# [![Open in Colab](open-in-colab.svg)](https://colab.research.google.com/github/reasonbridge/workbench/blob/main/notebooks/03_distill.ipynb)

# %% tags=["install"]
# Acts on Colab only. torch, torchvision and numpy stay as Colab has them: named by their exact versions, pip
# cannot exchange them under the running kernel, so nothing has to be restarted.
import shutil
import sys
from importlib.metadata import version

if "google.colab" in sys.modules:
    kept = " ".join(f"{name}=={version(name)}" for name in ("torch", "torchvision", "numpy"))
    extra = "[unsloth]" if shutil.which("nvidia-smi") else ""
    # %pip install --quiet {kept} "reasonbridge-workbench{extra} @ git+https://github.com/reasonbridge/workbench"

# %% tags=["parameters"]
PROFILE = "cpu"  # "t4", "l4", "a100" or "h100" with such a GPU
FAMILY = "leg_counting"  # the kind of problem that is taught
EPOCHS = 2

# %% tags=["preflight"]
import workbench as wb

wb.doctor(PROFILE)

# %% [markdown]
# ## The traces
#
# The sample that comes with the workbench was curated as in notebook 02. To see the machinery move in half a minute, we
# teach a single kind of problem: how many legs do some animals have?

# %%
traces = [trace for trace in wb.sample() if trace.problem.source == FAMILY]
wb.write_records("runs/notebook/distill/traces.jsonl", traces)

print(len(traces), "traces, for instance:")
wb.side_by_side(traces[0].problem, traces[0])

# %% [markdown]
# ## Distil
#
# One call, whatever the machine: the profile chooses the student and what trains it. On a CPU a trick keeps this short.
# The lower 40 % of the layers stay frozen, so each trace passes them once and the result serves all epochs. An
# interrupted run goes on from its checkpoint.

# %%
machine = wb.profile(PROFILE)
student = wb.distill(
    "runs/notebook/distill/traces.jsonl",
    student=machine.student,
    profile=PROFILE,
    budget=0.003,
    epochs=EPOCHS,
    batch_size=2,
    learning_rate=2e-3,
    held_out=6,
    out="runs/notebook/distill/student",
)

# %% [markdown]
# ## What was trained?
#
# The budget is counted from the model, never taken from a formula, and counted again after the adapter is attached.
# The folder holds an ordinary PEFT adapter, with the audit beside it.

# %%
import json
from pathlib import Path

audit = json.loads(Path("runs/notebook/distill/student/adapter.json").read_text())

print(f"{audit['trained_parameters']:,} of {audit['base_parameters']:,}: {audit['trained_fraction']:.4%}")
print("the modules add up to that:", audit["adds_up"])
wb.table(audit["modules"][:8])

# %% [markdown]
# ## Did it learn, and on which level?
#
# The four levels start at different heights and fall at different speeds. The *answer* is soon cheap: where the steps
# are there, it only has to be copied. The *plan* is the dearest at first, since it is written when nothing yet tells
# which way to go; but within one kind of problem it hardly varies. One loss over the whole text would hide all of
# this. The diamonds are traces that were kept back; where they stop falling while the lines go on, the student learns
# by heart.

# %%
lines = Path("runs/notebook/distill/student/metrics.jsonl").read_text().splitlines()
wb.plot_loss([json.loads(line) for line in lines])

# %% [markdown]
# ## Before and after
#
# The same weights answer twice, with the adapter off and on. The problem is one that neither has seen.

# %%
problem = wb.benchmark("embedded-dev", seed=0, per_family=1)[2]
answers = wb.compare(problem, student, max_tokens=120)

wb.side_by_side(problem, *answers)

# %% [markdown]
# The form arrives first: plan, steps, check. Whether the answer is *right* is another matter (how many legs does it
# give each animal?), and one example proves nothing in either direction. Two dozen traces and half a minute are a
# demonstration. The student that comes with the workbench learnt from a thousand traces of ten families, and the
# notebooks from here on use that one.
#
# ## On a GPU
#
# Set `PROFILE` and run the notebook again: `t4` takes Qwen2.5-1.5B, `l4` Qwen2.5-3B, `a100` and `h100` Qwen2.5-14B, the
# paper's student. There [Unsloth](https://unsloth.ai) trains on 4-bit weights, and where it is not installed
# transformers and PEFT do. It must be imported before transformers, which is why the preflight cell does it first.

# %%
if machine.device == "cuda":
    import torch

    print(torch.cuda.get_device_name(), "·", machine.dtype, "· trained with", machine.backend)
    print(f"{torch.cuda.max_memory_allocated() / 1e9:.1f} GB at the most")

# %% [markdown]
# > **Not run:** no GPU was at hand. The path is tested as far as it goes without one; timings and memory on T4, L4 and
# > A100 are unknown, so we state none.
#
# The paper's setting from the command line, with a thousand traces of a stronger teacher in `traces.jsonl`:
#
# ```bash
# workbench distill --student Qwen/Qwen2.5-14B-Instruct --profile a100 --budget 0.003 \
#     --traces traces.jsonl --out runs/reason14b
# ```
#
# > **Not run either.** The budget of that student would be about 44 million parameters.
#
# ## Try this
#
# 1. Set `EPOCHS = 4`, or take all of `wb.sample()` and some patience. What becomes of the held-out loss?
# 2. Pass `weights=wb.SectionWeights(strategy=0.0)` to `wb.distill`: what becomes of the plans?
# 3. Ask the new student something of another kind (`wb.solve("Why is the sky blue?", student)`). What did it unlearn?
#
# **Next:** [04_intervene](04_intervene.ipynb), which helps a student while it writes.
