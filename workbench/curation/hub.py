"""A curated folder on the Hugging Face Hub: what people may train on, and why each row was chosen."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from workbench.errors import InputError, first_line

UPLOADED = ("README.md", "curated.jsonl", "kept.parquet", "funnel.json")
"""What goes to the Hub. ``dropped.parquet`` stays: it quotes held-out questions and rows without a licence."""


def upload_plan(folder: Path) -> list[Path]:
    """Returns the files that `push` would upload.

    Raises:
        InputError: where one of them is missing.
    """
    files = [folder / name for name in UPLOADED]
    for file in files:
        if not file.exists():
            raise InputError(f"{file} is missing; curate into {folder} again, the funnel comes last")
    return files


def push(folder: Path, repo_id: str, *, private: bool = True, endpoint: str | None = None) -> str:
    """Uploads a curated folder as a data set, in one commit; the repository is made where it is missing.

    Args:
        folder: that `workbench.curation.curate` wrote.
        repo_id: ``owner/name``.
        private: of a new repository; one that is there stays as it is.
        endpoint: of another Hub than huggingface.co.

    Returns:
        The data set's address.

    Raises:
        InputError: where a file is missing, the id cannot be one, nobody is logged in, or the Hub refuses.
    """
    from httpx import HTTPError
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    files = upload_plan(folder)
    api = HfApi(endpoint=endpoint)
    try:
        repo = api.create_repo(repo_id, repo_type="dataset", private=private, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="upload-") as public:
            for file in files:
                (Path(public) / file.name).write_bytes(_public(file))
            api.upload_folder(
                repo_id=repo.repo_id,
                repo_type="dataset",
                folder_path=public,
                commit_message="Add curated reasoning traces",
            )
    except (HFValidationError, HfHubHTTPError, HTTPError, OSError) as error:
        raise InputError(_what_to_do(error, repo_id)) from error
    return str(repo)


def _what_to_do(error: Exception, repo_id: str) -> str:
    """Says in one line why an upload failed, and the fix."""
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError

    said = first_line(error)
    match error:
        case HFValidationError():
            return f"{repo_id!r} is no id of a data set: {said}; use owner/name"
        case LocalTokenNotFoundError():
            return "nobody is logged in to the Hub; run `hf auth login`, or set HF_TOKEN"
        case HfHubHTTPError():
            status = error.response.status_code if error.response is not None else None
            fix = "run `hf auth login` with a token that may write" if status in {401, 403} else "try again later"
            return f"the Hub refuses {repo_id}: {said}; {fix}"
    return f"the Hub cannot be reached for {repo_id}: {said}; go online first"


def _public(file: Path) -> bytes:
    """A file's bytes; the funnel goes without its examples, since they quote held-out questions."""
    content = file.read_bytes()
    if file.name != "funnel.json":
        return content
    funnel = json.loads(content)
    checked = funnel.get("contamination", {}).get("checked", [])
    if not any(each.get("examples") for each in checked):
        return content
    for each in checked:
        each["examples"] = []
    return (json.dumps(funnel, indent=2, ensure_ascii=False) + "\n").encode()
