# %% [markdown]
# # 5 · Evaluate: what arrived, and how sure is that?
#
# It is easy to be pleased with a new student. It talks like the teacher, and some answers are right. This notebook asks
# three colder questions: is it right *more often than its base*, is the difference *larger than chance*, and does it
# hold for kinds of problems that training *never saw*?
#
# **You will**
#
# - measure the shipped student against its own base, on the same problems;
# - read a figure with intervals, family by family, seen and unseen apart;
# - know when "cannot tell" is the right answer.

# %% [markdown] tags=["badge"]
# [![Open in Colab](open-in-colab.svg)](https://colab.research.google.com/github/reasonbridge/workbench/blob/main/notebooks/05_evaluate.ipynb)

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
PER_FAMILY = 2

# %% tags=["preflight"]
import workbench as wb

wb.doctor(PROFILE)

# %% [markdown]
# ## Measure
#
# Base and student get the same prompts and share the same weights, with the adapter off and on. One grader reads both,
# blind to who wrote what, and takes an answer in any form: a gain must not be one of obedience to a format.

# %%
student = wb.load_student("smollm2-135m-reason1k", **wb.profile(PROFILE).loading)
measured = wb.evaluate(student, "embedded-dev", per_family=PER_FAMILY, out="runs/notebook/evaluate")

print(measured["groups"]["all"]["problems"], "problems answered by each")

# %% [markdown]
# > This is the **development** split, on which everything may be tried and chosen. The test split (`"embedded"`) is for
# > reporting **once**: whoever looks at it and then goes on tuning has turned it into a second development split.
#
# ## Family by family
#
# The bars are 95 % intervals (Wilson). With two problems in a family they are almost as wide as the figure, and that is
# the point: one family, so measured, tells you nothing. Pooled, they may.

# %%
wb.plot_families(measured["families"])

# %% [markdown]
# ## Flips
#
# Both answered the same problems, so only those matter on which they differ. *Rescued*: only the student is right.
# *Broken*: only the base is. A student that rescues ten and breaks eight has not gained two; it has changed its mind
# eighteen times.

# %%
gains = [{"family": row["family"], **row["gain"]} for row in measured["families"]]
flips = [row for row in gains if row["rescued"] or row["broken"]]
wb.table({name: row[name] for name in ("family", "rescued", "broken", "n")} for row in flips)

# %% [markdown]
# ## A verdict
#
# The exact McNemar test asks whether flips that are no better than coin tosses could look like this. With fewer than
# six flips it can *never* reach p < 0.05, however convincing the examples are. The word *better* is used only where the
# interval and the test agree.

# %%
from workbench.evaluation import Gain, verdict

for group in ("seen", "unseen"):
    gain = Gain(**measured["groups"][group]["gain"]["student"])
    points = " to ".join(f"{100 * value:+.1f}" for value in (gain.low, gain.high))
    print(f"{group} families: {100 * gain.value:+.1f} points (95 % interval {points}), p = {gain.p_value:.3g}")
    print(f"    {gain.rescued} rescued, {gain.broken} broken: {verdict(gain)}")

# %% [markdown]
# "Cannot tell" does not mean "no difference". It means that this measurement could not have seen one of that size.
#
# What larger measurements say (the README has them): about +28 points on seen families, with an interval far from zero,
# and **nothing measurable on unseen ones**. So what arrived is skill at the kinds of problems that were taught. That is
# useful, and it is less than "reasoning". Two more grains of salt: the teacher is a set of programs, not a language
# model, and a part of the gain may be repair of the base's four-bit weights.
#
# ## What it costs

# %%
wb.table({"arm": arm, **costs} for arm, costs in measured["costs"].items())

# %% [markdown]
# The student writes shorter answers than its base: it stops when it is done.
#
# ## Try this
#
# 1. Set `PER_FAMILY = 6` (three times the wait). Which verdicts change?
# 2. Add `guidance=wb.Guidance([wb.PlanFirst(), wb.Verify()])` to `wb.evaluate`. Which arm would you report, and why
#    must you decide before you look at the test split?
# 3. Estimate how many problems it takes to see a gain of three points. (About a thousand.)
#
# **Next:** [06_compare](06_compare.ipynb), where you read the answers yourself.
