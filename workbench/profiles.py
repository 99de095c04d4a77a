"""What suits which machine: one code path, different defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from workbench.errors import InputError

ProfileName = Literal["cpu", "t4", "l4", "a100", "h100"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Defaults for one kind of machine."""

    name: ProfileName
    device: str
    """A torch device."""
    dtype: str
    """Of the weights, as torch names it."""
    student: str
    """What ``--student`` is when it is not given."""
    slots: int
    """Rows that are decoded together."""
    batch_size: int
    """Traces per training step."""
    backend: Literal["transformers", "unsloth"] = "unsloth"
    """What trains; where Unsloth cannot run, transformers and PEFT do."""
    bits: int = 4
    """Of the frozen weights in training through Unsloth, 4 or 16: 4 where memory is short."""

    @property
    def loading(self) -> dict[str, Any]:
        """What `workbench.load_student` takes: ``load_student(machine.student, **machine.loading)``."""
        return {"device": self.device, "dtype": self.dtype}


PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        # fp32 on CPUs: bf16 is slower where there are no bf16 units. T4 has no bf16 at all.
        Profile(
            name="cpu",
            device="cpu",
            dtype="float32",
            student="smollm2-135m",
            slots=96,
            batch_size=4,
            backend="transformers",
        ),
        Profile(
            name="t4", device="cuda", dtype="float16", student="Qwen/Qwen2.5-1.5B-Instruct", slots=64, batch_size=8
        ),
        Profile(
            name="l4",
            device="cuda",
            dtype="bfloat16",
            student="Qwen/Qwen2.5-3B-Instruct",
            slots=96,
            batch_size=8,
            bits=16,
        ),
        Profile(
            name="a100", device="cuda", dtype="bfloat16", student="Qwen/Qwen2.5-14B-Instruct", slots=128, batch_size=8
        ),
        Profile(
            name="h100", device="cuda", dtype="bfloat16", student="Qwen/Qwen2.5-14B-Instruct", slots=256, batch_size=16
        ),
    )
}


def profile(name: str) -> Profile:
    """Returns a profile by its name.

    Raises:
        InputError: listing the names, where there is none.
    """
    if name not in PROFILES:
        raise InputError(f"no profile {name!r}; there are {', '.join(PROFILES)}")
    return PROFILES[name]
