"""One decoding step of attention, with keys and values where they lie or repeated for each query head."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from tests.benchmarks.measuring import report, seconds
from workbench.students.attention import grouped_attention

RUNS, ROWS, SPAN = 5, 64, 256


def attention() -> None:
    """The layers of SmolLM2-135M: 9 query heads over 3 key heads."""
    query, mask = torch.randn(ROWS, 9, 1, 64), torch.zeros(ROWS, 1, 1, SPAN)
    key, value = torch.randn(2, ROWS, 3, SPAN, 64).unbind()
    module = torch.nn.Identity()

    def repeated() -> torch.Tensor:
        both = (tensor.repeat_interleave(3, dim=1) for tensor in (key, value))
        return F.scaled_dot_product_attention(query, *both, attn_mask=mask)

    def thirty(work) -> float:
        return 1 / seconds(lambda: [work() for _ in range(30)])

    pairs = [
        (thirty(lambda: grouped_attention(module, query, key, value, mask)), thirty(repeated)) for _ in range(RUNS + 1)
    ]
    ours, theirs = zip(*pairs[1:], strict=True)
    grouped, _ = grouped_attention(module, query, key, value, mask)
    report(
        "attention",
        "keys and values repeated for each query head, as transformers does under a mask",
        "passes of 30 layers/s",
        ours,
        theirs,
        same_output=torch.allclose(grouped.transpose(1, 2), repeated(), atol=1e-5),
    )
