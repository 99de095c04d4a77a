# %% [markdown]
# # 4 · Intervene: help a student while it writes
#
# A student writes one token after the other, and nothing stops us from looking over its shoulder. **Guided inference
# interventions** step in at the right moment: they open a plan, ask for a check, or call for the answer before the
# budget runs out. No weight changes, so this costs tokens only, at *test time*. The paper names the idea; the three
# interventions here are **ours**, the budget after [s1](https://arxiv.org/abs/2501.19393).
#
# **You will**
#
# - put a guidance together from parts, and see each place where it stepped in, with the reason;
# - answer the same problems under growing budgets, and draw the dose-response;
# - judge, from intervals, whether more thinking helped.

# %% [markdown] tags=["badge"]
# [![Open in Colab](open-in-colab.svg)](https://colab.research.google.com/github/reasonbridge/workbench/blob/main/notebooks/04_intervene.ipynb)

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
BUDGETS = [24, 48, 80, 128]
PROBLEMS = 8

# %% tags=["preflight"]
import workbench as wb

wb.doctor(PROFILE)

# %% [markdown]
# ## The student
#
# This one comes with the workbench: the base of notebook 00 with an adapter that was distilled from a thousand worked
# solutions.

# %%
student = wb.load_student("smollm2-135m-reason1k", **wb.profile(PROFILE).loading)
print(student.source.origin)

# %% [markdown]
# ## A guidance of your own
#
# An intervention has a *trigger*, which looks at what was written and at the token that is about to come, and an
# *action*. At each token the first whose trigger fires steps in, and each only so often in one answer. A guidance is
# data: it can be saved, compared, and becomes part of a run's fingerprint.

# %%
guidance = wb.Guidance(
    [
        wb.PlanFirst(),
        wb.Verify(),
        wb.Budget(max_tokens=140, min_tokens=80, continues=1, text="Wait, let me check that again."),
    ]
)
wb.table(guidance.to_dict()["interventions"])

# %% [markdown]
# ## Without and with
#
# The base, the student and the guided student answer at the same time from **one set of weights**; the adapter is
# switched between two tokens. What an intervention wrote is marked in yellow, with its number, and listed below with
# its reason.

# %%
problems = wb.benchmark("embedded-dev", seed=0, per_family=1)
problem = problems[2]
answers = wb.compare(problem, student, guidance, max_tokens=140)

wb.side_by_side(problem, *answers)

# %% [markdown]
# Help can do harm. When we wrote this, the second thought that the student was pushed into turned a right answer into a
# wrong one. So each step-in is an *event* with its place and its price: without such a record nobody could say later
# whether an answer came from the guidance or in spite of it.

# %%
for event in answers[-1].events:
    print(f"token {event.position:>3}  {event.intervention:<10} +{event.added_tokens} tokens: {event.reason}")

# %% [markdown]
# ## Dose and response
#
# How much does a longer leash help? The same problems are answered under four budgets, all in one batch. Where a budget
# runs out, the heading `Answer:` is written for the student, and it must commit itself.

# %%
doses = wb.dose_response(
    student,
    problems[:PROBLEMS],
    {size: wb.Guidance([wb.PlanFirst(), wb.Budget(max_tokens=size, answer_tokens=12)]) for size in BUDGETS},
)
wb.table({"budget": row["dose"], "right": row["accuracy"][0], "tokens": row["tokens"][0]} for row in doses.rows)

# %%
wb.plot_doses(doses.rows)

# %% [markdown]
# Look at the intervals before you look at the line. With eight problems a difference of two or three is well within
# chance, and the honest reading is *cannot tell*. What the figure does show safely is the lower half: beyond some
# budget the student no longer uses what it is given, because it has finished.

# %%
wb.browse_answers(problems[:PROBLEMS], doses.completions)

# %% [markdown]
# ## What guidance is good for, so far
#
# In the full demo (320 problems) the guidance helped **nobody**: the guided student was right exactly as often as the
# student alone. A distilled student already plans and checks by itself, so the triggers seldom fire, and more thinking
# adds little where thinking was not the bottleneck. It earns its keep as a safety net: with it an answer *always* comes
# within the budget.
#
# ## Try this
#
# 1. Guide the **base** instead: `wb.compare(problem, wb.load_student("smollm2-135m"), guidance)`. Is a plan that
#    one is pushed into worth as much as a plan that one has learnt?
# 2. Set `min_tokens=120` and `continues=3`. What does the student do with a second thought that it did not ask for?
# 3. Double `PROBLEMS`. How much narrower do the intervals get, and is that enough?
#
# **Next:** [05_evaluate](05_evaluate.ipynb), which measures what distillation brought.
