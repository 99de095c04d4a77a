# %% [markdown]
# # 6 · Compare: read the answers yourself
#
# Numbers say how often. They do not say *how*: whether a wrong answer was a slip of the last step or nonsense from the
# start, and whether a right one was reasoned or guessed. For that you have to read, side by side.
#
# **You will**
#
# - read recorded answers of teacher, base, student and guided student to the same problems;
# - ask a question of your own, and get it answered by all of them at once;
# - open the app, where the same happens as you watch.

# %% [markdown] tags=["badge"]
# [![Open in Colab](open-in-colab.svg)](https://colab.research.google.com/github/reasonbridge/workbench/blob/main/notebooks/06_compare.ipynb)

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
MAX_TOKENS = 120

# %% tags=["preflight"]
import workbench as wb

wb.doctor(PROFILE)

# %% [markdown]
# ## Recorded comparisons
#
# Two problems of each family, the first ones and not the best ones, answered by everybody. The *teacher* is a worked
# solution: a program's explanation, not a language model's.

# %%
comparisons = wb.read_comparisons()

print(len(comparisons), "problems, arms:", *comparisons[0].completions)
wb.browse_comparisons(comparisons)

# %% [markdown]
# While you read, look for the three kinds of failure: the **plan** is wrong (the student took it for another kind of
# problem), a **step** is wrong (the plan was fine, the arithmetic was not), or the **answer** is wrong (it did not copy
# its own result). They ask for different remedies.
#
# ## Rescued and broken
#
# These are the problems on which student and base differ, by family. On the right what distillation won, on the left
# what it lost.

# %%
measured = wb.measure(comparisons)
wb.plot_flips(
    [
        {"family": row["family"], "rescued": row["gain"]["rescued"], "broken": row["gain"]["broken"]}
        for row in measured["families"]
    ]
)

# %% [markdown]
# ## Ask something yourself
#
# All arms write at the same time, from one set of weights. Nobody knows the right answer to a question that you typed,
# so the badges say *ungraded*: not graded is not the same as wrong.

# %%
student = wb.load_student("smollm2-135m-reason1k", **wb.profile(PROFILE).loading)
guidance = wb.Guidance([wb.PlanFirst(), wb.Verify(), wb.Budget(max_tokens=MAX_TOKENS, answer_tokens=16)])
question = "What is 27 + 5 - 14 + 30?"

wb.side_by_side(question, *wb.compare(question, student, guidance, max_tokens=MAX_TOKENS))

# %% [markdown]
# ## The app
#
# The same, with streaming, in a page of its own. It opens at once on the recorded comparisons, while the student loads.
# In a terminal:
#
# ```bash
# workbench compare --port 7860
# ```
#
# It listens on this computer alone and shares nothing unless you ask for it. From a notebook the weights that are
# already loaded can serve it in the background:
#
# ```python
# from workbench.views.server import launch
#
# launch(student, port=7860, block=False)
# ```
#
# On Colab, which runs the notebook on another computer, its own proxy then opens the page
# (**not run:** there was no Colab at hand):
#
# ```python
# from google.colab import output
#
# output.serve_kernel_port_as_window(7860)
# ```
#
# ## Try this
#
# 1. Find an answer that is right although its steps are wrong. Should it count?
# 2. Ask the same thing in other words. Which arm is thrown off by it?
# 3. Ask for something that no family covers, such as a proof. What does a plan look like that was never taught?
#
# **That is the bridge.** To put data of your own through it, see
# [docs/OWN_DATA.md](../docs/OWN_DATA.md).
