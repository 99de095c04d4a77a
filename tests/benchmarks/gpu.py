"""`make gpu-check`: a short distillation on a CUDA device, with and without Unsloth, beside Unsloth's own recipe.

Every way runs in a process of its own, since Unsloth patches the libraries of the one that imports it. What
cannot be tried here is named with the reason. The loss is one figure for all: nats per token of held-out
traces, read by transformers from the saved adapter.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from workbench.acceleration import import_unsloth, why_not_unsloth
from workbench.files import write_text

STUDENT = "smollm2-135m"
HELD_OUT = 40
BATCH = 8
EPOCHS = 4
OUT = Path("runs/bench/gpu.json")
PACKAGES = ("torch", "transformers", "peft", "trl", "unsloth", "bitsandbytes", "triton", "xformers")


def transformers_way(options: argparse.Namespace, out: Path, dtype: str) -> list[dict[str, float]]:
    from workbench.students import load_student

    return _ours(load_student(options.student, device="cuda", dtype=dtype), options, out)


def unsloth_way(options: argparse.Namespace, out: Path, bits: int) -> list[dict[str, float]]:
    import_unsloth()
    from workbench.students import load_student

    return _ours(load_student(options.student, backend="unsloth", bits=bits), options, out)


def _ours(student: Any, options: argparse.Namespace, out: Path) -> list[dict[str, float]]:
    from workbench.distillation import DistillConfig, distill
    from workbench.progress import silent

    config = DistillConfig(epochs=EPOCHS, batch_size=BATCH, held_out=0, first_layer=options.first_layer)
    return distill(_traces(options)[HELD_OUT:], student, out, config, silent).metrics


def stock_way(options: argparse.Namespace, out: Path) -> list[dict[str, float]]:
    """Unsloth's notebook recipe: rank 16 on all linear layers, whole texts, 8-bit AdamW, TRL's trainer."""
    unsloth = import_unsloth()
    from datasets import Dataset
    from transformers import TrainerCallback
    from trl import SFTConfig, SFTTrainer

    from workbench.students import resolve_student

    folder = str(resolve_student(options.student).path)
    model, tokenizer = unsloth.FastLanguageModel.from_pretrained(
        model_name=folder, max_seq_length=1_024, dtype=None, load_in_4bit=False
    )
    kinds = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    model = unsloth.FastLanguageModel.get_peft_model(
        model, r=16, target_modules=kinds, lora_alpha=16, lora_dropout=0, bias="none",
        use_gradient_checkpointing="unsloth", random_state=3407,
    )  # fmt: skip
    texts = [_text(trace, tokenizer) for trace in _traces(options)[HELD_OUT:]]
    tokens = sum(len(tokenizer(text)["input_ids"]) for text in texts) / len(texts) * BATCH
    lines: list[dict[str, float]] = []

    class Clock(TrainerCallback):
        def on_step_begin(self, *_: Any, **__: Any) -> None:
            self.started = time.monotonic()

        def on_step_end(self, *_: Any, **__: Any) -> None:
            lines.append({"tokens": tokens, "seconds": time.monotonic() - self.started})

    settings = SFTConfig(
        per_device_train_batch_size=BATCH, num_train_epochs=EPOCHS, learning_rate=2e-4, warmup_steps=5,
        optim="adamw_8bit", weight_decay=0.001, lr_scheduler_type="linear", seed=3407, report_to="none",
        output_dir=str(out / "trainer"), dataset_text_field="text", logging_steps=10, save_strategy="no",
    )  # fmt: skip
    data = Dataset.from_list([{"text": text} for text in texts])
    trainer = SFTTrainer(
        model=model, processing_class=tokenizer, train_dataset=data, args=settings, callbacks=[Clock()]
    )
    trainer.train()
    model.save_pretrained(str(out))
    return lines


def _text(trace: Any, tokenizer: Any) -> str:
    from workbench.records import rendered_text

    turns = [("user", trace.problem.question), ("assistant", rendered_text(trace))]
    text: str = tokenizer.apply_chat_template(
        [{"role": role, "content": content} for role, content in turns], tokenize=False
    )
    return text


def _traces(options: argparse.Namespace) -> list[Any]:
    from workbench.records import Trace, read_records
    from workbench.shipped import shipped

    return list(read_records(Path(options.traces or shipped("curated.jsonl")), Trace))


WAYS: dict[str, Callable[[argparse.Namespace, Path], list[dict[str, float]]]] = {
    "ours, transformers, bf16": lambda options, out: transformers_way(options, out, "bfloat16"),
    "ours, transformers, fp16": lambda options, out: transformers_way(options, out, "float16"),
    "ours, Unsloth, 16 bits": lambda options, out: unsloth_way(options, out, 16),
    "ours, Unsloth, 4 bits": lambda options, out: unsloth_way(options, out, 4),
    "Unsloth's own recipe": stock_way,
}


def measure(way: str, options: argparse.Namespace, out: Path) -> None:
    """Runs one way in this process and writes what it took beside its adapter."""
    started = time.monotonic()
    lines = WAYS[way](options, out)
    import torch

    later = lines[len(lines) // 4 :]
    rate = statistics.median(line["tokens"] for line in later) / statistics.median(line["seconds"] for line in later)
    figures = {"tokens_per_s": rate, "steps": len(lines), "seconds": time.monotonic() - started,
               "peak_mib": torch.cuda.max_memory_allocated() / 2**20}  # fmt: skip
    write_text(out / "figures.json", json.dumps(figures))


def held_out_loss(options: argparse.Namespace, adapter: Path | None) -> tuple[float, int]:
    """Returns nats per token of the held-out traces, and the trained parameters of the adapter."""
    import torch
    from peft import PeftModel

    from workbench.distillation.examples import PROMPT, encode_trace
    from workbench.students import load_student

    student = load_student(options.student, device="cuda")
    if adapter:
        student = replace(student, model=PeftModel.from_pretrained(student.model, str(adapter)).eval())
    total, count = 0.0, 0
    for trace in _traces(options)[:HELD_OUT]:
        example = encode_trace(trace, student)
        ids = torch.tensor(example.ids, dtype=torch.long, device="cuda")[None]
        with torch.no_grad():
            logits = student.model(ids).logits[0, :-1].float()
        learns = torch.tensor(example.sections[1:] != PROMPT, device="cuda")
        losses = torch.nn.functional.cross_entropy(logits[learns], ids[0, 1:][learns], reduction="sum")
        total, count = total + losses.item(), count + int(learns.sum())
    trained = sum(p.numel() for name, p in student.model.named_parameters() if "lora_" in name)
    return total / count, trained


def check(options: argparse.Namespace) -> None:
    """Prints the table and writes it down."""
    import torch

    if not torch.cuda.is_available():
        sys.exit("no CUDA device here: run this on a machine that has one")
    versions = {name: _version(name) for name in PACKAGES}
    device = torch.cuda.get_device_name()
    print(f"{device}; {', '.join(f'{name} {found}' for name, found in versions.items())}", flush=True)
    untaught = held_out_loss(options, None)[0]
    print(f"held-out loss before training: {untaught:.3f} nats a token", flush=True)
    print(f"{'way':26} {'tokens/s':>9} {'peak MiB':>9} {'loss':>7} {'trained':>10} {'steps':>6} {'all, s':>7}")
    rows = []
    for way in (way for way in WAYS if not options.only or options.only in way):
        rows.append(_row(way, options))
        print(_line(rows[-1]), flush=True)
    made = {"device": device, "versions": versions, "untaught_loss": untaught, "ways": rows}
    write_text(Path(options.out), json.dumps(made, indent=1))


def _line(row: dict[str, Any]) -> str:
    if "reason" in row:
        return f"{row['way']:26} not run: {row['reason']}"
    return "{way:26} {tokens_per_s:9,.0f} {peak_mib:9,.0f} {loss:7.3f} {trained:10,} {steps:6} {seconds:7.0f}".format(
        **row
    )


def _row(way: str, options: argparse.Namespace) -> dict[str, Any]:
    if "Unsloth" in way and (reason := why_not_unsloth()):
        return {"way": way, "reason": reason}
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "student"
        out.mkdir()
        again = [sys.executable, "-m", "tests.benchmarks.gpu", "--way", way, "--into", str(out), *_passed_on(options)]
        done = subprocess.run(again, capture_output=True, text=True, check=False)
        if done.returncode:
            print(done.stdout[-1_000:], done.stderr[-3_000:], file=sys.stderr, flush=True)
            return {"way": way, "reason": (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]}
        figures = json.loads((out / "figures.json").read_text(encoding="utf-8"))
        loss, trained = held_out_loss(options, out)
    return {"way": way, **figures, "loss": loss, "trained": trained}


def _passed_on(options: argparse.Namespace) -> list[str]:
    names = ("student", "traces", "first_layer")
    pairs = [(name, getattr(options, name)) for name in names]
    return [text for name, value in pairs if value is not None for text in (f"--{name.replace('_', '-')}", str(value))]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.gpu")
    parser.add_argument("--student", default=STUDENT)
    parser.add_argument("--traces", help="a file of traces; by default the sample that comes with the workbench")
    parser.add_argument("--first-layer", type=int)
    parser.add_argument("--only", help="ways whose name holds this")
    parser.add_argument("--out", default=str(OUT))
    parser.add_argument("--way", choices=list(WAYS), help=argparse.SUPPRESS)
    parser.add_argument("--into", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    measure(options.way, options, Path(options.into)) if options.way else check(options)


if __name__ == "__main__":
    main()
