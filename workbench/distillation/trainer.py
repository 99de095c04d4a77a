"""From curated traces to a distilled student: a flat loop over cached trunk states."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from workbench.adapters import allocate, attach_lora, audit, check_budget, parameter_budget
from workbench.distillation.checkpoint import load_checkpoint, save_checkpoint
from workbench.distillation.examples import PROMPT, Example, batches, encode_traces
from workbench.distillation.objective import SectionWeights, weighted_loss
from workbench.distillation.trunk import Layers, TrunkCache, WholeModel, pad
from workbench.errors import InputError, TrainingError
from workbench.files import remove, storage_errors, text_hash, write_text
from workbench.progress import Track
from workbench.records import Trace
from workbench.students import PackedLinears, Student


@dataclass(frozen=True, slots=True, kw_only=True)
class DistillConfig:
    """How a student learns."""

    budget: float = 0.003
    """Trained parameters, as a fraction of the base model's (the paper's 0.3 %)."""
    first_layer: int | None = None
    """Lowest adapted layer; by default the layer at 40 % of the depth. Copying from the question needs
    the middle layers; compare `workbench demo --split dev --first-layer 21`."""
    epochs: int = 2
    """Passes over the traces."""
    batch_size: int = 4
    """Traces per step; few, since steps are what short training lacks."""
    learning_rate: float = 3e-3
    """Peak of AdamW's rate; it warms up over 5 % of the steps, then falls to 0 linearly."""
    weights: SectionWeights = field(default_factory=SectionWeights)
    """How much strategy, tactics, check and answer count."""
    max_tokens: int = 384
    """Longer traces are left out."""
    held_out: int = 32
    """Traces kept back to watch the loss on; they are never trained on."""
    seed: int = 0
    """Of initial values, batches and the held-out choice."""
    checkpoint_s: float = 30.0
    """Seconds between checkpoints."""

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "max_tokens"):
            if getattr(self, name) < 1:
                raise InputError(f"{name}={getattr(self, name)} must be at least 1")
        if not 0 < self.learning_rate < 1:
            raise InputError(f"learning_rate={self.learning_rate} must lie in (0, 1); 0.003 suits LoRA")

    def lowest_layer(self, model: Any) -> int:
        """Returns ``first_layer``, or its default for this model."""
        if self.first_layer is not None:
            return self.first_layer
        return int(0.4 * model.config.get_text_config().num_hidden_layers)


@dataclass(frozen=True, slots=True)
class Distilled:
    """What distillation made."""

    student: Student
    folder: Path
    audit: dict[str, Any]
    metrics: list[dict[str, float]]


def distill(traces: Sequence[Trace], student: Student, out: Path, config: DistillConfig, track: Track) -> Distilled:
    """Trains a sparse adapter on curated traces; picks up where an interrupted run stopped.

    Writes a PEFT folder with ``metrics.jsonl`` (one line a step) and ``adapter.json`` (what is trained).

    Args:
        traces: Reason1K, or any other traces.
        student: a base student; its model is wrapped in place.
        out: the folder to write.
        config: see its fields.
        track: progress.

    Raises:
        TrainingError: nothing to learn from, over the budget, or a loss that is not finite.
        InputError: a budget that buys nothing.
    """
    if student.has_adapter:
        raise TrainingError(f"student {student.name} already has an adapter; distil its base instead")
    examples = encode_traces(traces, student, config.max_tokens)
    training, held_out = _split(examples, config)
    first_layer = config.lowest_layer(student.model)
    placements = allocate(student.model, parameter_budget(student.model, config.budget), first_layer)
    adapted = attach_lora(student.model, placements, base_name=student.name, seed=config.seed, backend=student.backend)
    check_budget(adapted, config.budget)
    layers = WholeModel(adapted, 0) if student.backend == "unsloth" else Layers(adapted, first_layer)
    opening = student.prompter.opening
    own = pad([examples[0].ids[len(opening) :]]).to(student.device)
    layers.check(torch.tensor(opening, dtype=torch.long, device=student.device), own)
    fingerprint = _fingerprint(student, examples, config)
    run = _Run(adapted, layers, opening, training, held_out, config, out, fingerprint, _scaler(layers.output.weight))
    report = audit(adapted, placements)
    with storage_errors(out):
        out.mkdir(parents=True, exist_ok=True)
        with PackedLinears(adapted, gradients=True):
            metrics = run.train(track)
        adapted.save_pretrained(out, save_embedding_layers=False)  # else PEFT asks the Hub for the base
        write_text(out / "adapter.json", json.dumps(report, indent=1))
        run.clean()
    return Distilled(replace(student, name=str(out), model=adapted.eval()), out, report, metrics)


def _split(examples: list[Example], config: DistillConfig) -> tuple[list[Example], list[Example]]:
    count = min(config.held_out, len(examples) // 10)
    order = np.random.default_rng([config.seed, 1]).permutation(len(examples)).tolist()
    return [examples[i] for i in sorted(order[count:])], [examples[i] for i in sorted(order[:count])]


def _fingerprint(student: Student, examples: list[Example], config: DistillConfig) -> str:
    return text_hash(
        student.fingerprint(), json.dumps(asdict(config)), *(example.ids.tobytes().hex() for example in examples)
    )


def _scaler(weight: torch.Tensor) -> torch.amp.GradScaler:
    """What keeps small gradients above 0 in fp16; the scale never grows, so that a resumed run has the same one."""
    is_half = weight.dtype == torch.float16
    return torch.amp.GradScaler(weight.device.type, 2.0**12, growth_interval=1 << 30, enabled=is_half)


@dataclass
class _Run:
    """The moving parts of one training run."""

    model: Any
    layers: Layers
    opening: tuple[int, ...]
    training: list[Example]
    held_out: list[Example]
    config: DistillConfig
    out: Path
    fingerprint: str
    scaler: torch.amp.GradScaler

    def train(self, track: Track) -> list[dict[str, float]]:
        examples = [*self.training, *self.held_out]
        cache = TrunkCache(self.out / ".trunk.f32", self.opening, examples, self.layers.output.weight.shape[1])
        cache.fill(self.layers, examples, lambda groups, count: track(groups, count, "trunk"))
        learned = [p for p in self.model.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(learned, weight_decay=0.0, fused=learned[0].device.type == "cpu")
        done = load_checkpoint(self.out / ".checkpoint.safetensors", self.model, optimizer, self.fingerprint)
        metrics = self._metrics(done)
        plan = [(epoch, batch) for epoch in range(self.config.epochs) for batch in self._epoch(epoch)]
        saved = time.monotonic()
        with (self.out / "metrics.jsonl").open("a", encoding="utf-8") as log:
            for step, (epoch, batch) in track(list(enumerate(plan, 1))[done:], len(plan) - done, "distill"):
                metrics.append(self._step(cache, optimizer, batch, step, epoch, len(plan)))
                if step == len(plan) or plan[step][0] != epoch:
                    metrics[-1]["held_out_loss"] = self._held_out_loss(cache)
                log.write(json.dumps(metrics[-1]) + "\n")
                if time.monotonic() - saved > self.config.checkpoint_s:
                    log.flush()
                    save_checkpoint(self._checkpoint, self.model, optimizer, step, self.fingerprint)
                    saved = time.monotonic()
        return metrics

    @property
    def _checkpoint(self) -> Path:
        return self.out / ".checkpoint.safetensors"

    def _metrics(self, done: int) -> list[dict[str, float]]:
        """The lines of the steps that the checkpoint holds; later ones will be made again."""
        path = self.out / "metrics.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() and done else []
        kept = [json.loads(line) for line in lines[:done]]
        write_text(path, "".join(json.dumps(line) + "\n" for line in kept))
        return kept

    def _epoch(self, epoch: int) -> list[list[int]]:
        return batches([len(e) for e in self.training], self.config.batch_size, self.config.seed, epoch)

    def _step(
        self, cache: TrunkCache, optimizer: torch.optim.Optimizer, batch: list[int], step: int, epoch: int, steps: int
    ) -> dict[str, float]:
        started = time.monotonic()
        rate = self.config.learning_rate * min(step / max(1, 0.05 * steps), 1 - (step - 1) / steps)
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss, terms = self._loss(cache, self.training, batch, 0)
        if not np.isfinite(loss):
            names = ", ".join(self.training[i].trace_id for i in batch)
            raise TrainingError(
                f"the loss is not finite at step {step}; lower learning_rate, or look at traces {names}"
            )
        self.scaler.unscale_(optimizer)
        torch.nn.utils.clip_grad_norm_([p for p in self.model.parameters() if p.requires_grad], 1.0)
        self.scaler.step(optimizer)
        self.scaler.update()
        optimizer.zero_grad(set_to_none=True)
        tokens = sum(len(self.training[i]) for i in batch)
        line = {"step": step, "epoch": epoch, "tokens": tokens, "seconds": time.monotonic() - started}
        return {**line, "learning_rate": rate, "loss": loss, **{f"loss_{name}": value for name, value in terms.items()}}

    def _loss(
        self, cache: TrunkCache, examples: list[Example], batch: list[int], offset: int
    ) -> tuple[float, dict[str, float]]:
        """The batch's loss; where gradients are on, they are left in the parameters."""
        weight, shared = self.layers.output.weight, len(self.opening)
        scale = self.scaler.scale(torch.ones((), device=weight.device)).item()
        ids_BT = pad([examples[i].ids[shared:] for i in batch]).to(weight.device)
        sections_BT = pad([examples[i].sections[shared:] for i in batch], PROMPT).to(weight.device)
        states_BTD = cache.batch([i + offset for i in batch]).to(weight)
        final_BTD = self.layers.head(cache.opening_1OD.to(weight), states_BTD)
        learns_BT = sections_BT[:, 1:] != PROMPT
        hidden_ND = final_BTD[:, :-1][learns_BT]
        targets_N, sections_N = ids_BT[:, 1:][learns_BT], sections_BT[:, 1:][learns_BT]
        loss, gradient_ND, terms = weighted_loss(
            hidden_ND, targets_N, sections_N, self.layers.output, self.config.weights, scale
        )
        if hidden_ND.requires_grad:
            hidden_ND.backward(gradient_ND)  # type: ignore[no-untyped-call]
        return loss.item(), terms

    @torch.no_grad()
    def _held_out_loss(self, cache: TrunkCache) -> float:
        if not self.held_out:
            return float("nan")
        groups = batches([len(e) for e in self.held_out], self.config.batch_size, 0, 0)
        losses = [self._loss(cache, self.held_out, group, len(self.training))[0] * len(group) for group in groups]
        return sum(losses) / len(self.held_out)

    def clean(self) -> None:
        """Deletes the scratch files of a finished run."""
        remove(self.out / ".trunk.f32")
        remove(self._checkpoint)
