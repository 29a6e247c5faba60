"""A model folder: everything that prediction needs, in safetensors and JSON only.

```
vizitka.json        format version, schema, settings, where it came from
config.json         the encoder's architecture (transformers' layout)
model.safetensors   encoder and heads
tokenizer.json ...  the tokenizer, as transformers saves it
```
`save` writes to a temporary folder and renames it, so that a half-written model folder is never seen.
No pickle is read and no code from a model folder is run. `onnx/` there is a cache, not a part of the model
(see `onnx_engine`).
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError

from infer.batching import Frame
from infer.config import ModelSettings
from infer.schema import Schema

if TYPE_CHECKING:  # imported where they are needed: ONNX Runtime can do without torch and transformers
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from infer.model import Model

FORMAT = 1
SETTINGS_FILE = "vizitka.json"
WEIGHTS_FILE = "model.safetensors"
CACHE_FOLDER = "onnx"
# All that reading a broken folder has been seen to raise; pydantic's ValidationError is a ValueError.
DAMAGE = (AttributeError, KeyError, OSError, RuntimeError, SafetensorError, TypeError, ValueError)


class BundleError(ValueError):
    """A model folder or a backbone can't be used; the message names it and the fix."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A model in memory with all that belongs to it."""

    model: Model
    tokenizer: PreTrainedTokenizerBase
    schema: Schema
    settings: ModelSettings
    origin: Mapping[str, Any] = field(default_factory=dict)  # backbone, seed, data: for the reader only


def save(bundle: Bundle, folder: Path) -> None:
    """Write a model folder, replacing the one that may be there."""
    from safetensors.torch import save_file

    folder = folder.resolve()  # a link is followed, not replaced
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    description = {
        "format": FORMAT,
        "schema": bundle.schema.to_dict(),
        "settings": bundle.settings.model_dump(),
        "origin": dict(bundle.origin),
    }
    text = json.dumps(description, ensure_ascii=False, indent=2)
    (partial / SETTINGS_FILE).write_text(text + "\n", encoding="utf-8")
    bundle.model.encoder.config.save_pretrained(partial)
    bundle.tokenizer.save_pretrained(partial)
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in bundle.model.state_dict().items()}
    save_file(weights, partial / WEIGHTS_FILE)
    (partial / WEIGHTS_FILE).chmod(0o644)  # save_file lets only the owner read it
    if folder.exists():
        shutil.rmtree(folder)
    partial.rename(folder)


def load(folder: Path) -> Bundle:
    """Read a model folder. Raises BundleError saying what is missing or of another version."""
    from safetensors.torch import load_file
    from transformers import AutoConfig, AutoModel, AutoTokenizer

    from infer.model import Model

    schema, settings, origin = describe(folder)
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        encoder = AutoModel.from_config(config, trust_remote_code=False)  # type: ignore[no-untyped-call]
        model = Model(encoder, len(schema.labels), len(schema.events))
        model.load_state_dict(load_file(folder / WEIGHTS_FILE))
        Frame.of(tokenizer)
    except DAMAGE as error:
        raise _damaged(folder, error) from error
    return Bundle(model.eval(), tokenizer, schema, settings, origin)


def describe(folder: Path) -> tuple[Schema, ModelSettings, Mapping[str, Any]]:
    """What `vizitka.json` says: schema, settings, origin. Raises BundleError; imports no torch."""
    description = _read_description(folder)
    try:
        schema = Schema.from_dict(description["schema"])
        settings = ModelSettings.model_validate(description["settings"])
    except DAMAGE as error:
        raise _damaged(folder, error) from error
    return schema, settings, description.get("origin", {})


def fingerprint_of(folder: Path) -> str:
    """A short name for all that a model folder holds."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if not name.startswith(f"{CACHE_FOLDER}/"):
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
            digest.update(f"{name} {content}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:16]


def start(backbone: str, schema: Schema, settings: ModelSettings) -> Bundle:
    """A new model on a pre-trained backbone: a folder or a hub name. Heads are random.

    Raises BundleError when the backbone is neither, or can't hold the windows.
    """
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging as hf_logging

    from infer.model import Model

    is_folder = Path(backbone).is_dir()
    hf_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # it would show one file's reading
    try:
        tokenizer = AutoTokenizer.from_pretrained(backbone, trust_remote_code=False)
        encoder = AutoModel.from_pretrained(backbone, trust_remote_code=False, dtype="float32")
        Frame.of(tokenizer)
    except DAMAGE as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        if is_folder:
            raise BundleError(f"backbone {backbone}: the folder holds no usable model ({reason})") from error
        raise BundleError(
            f"backbone {backbone}: neither a folder here nor reachable on the Hugging Face hub ({reason}). "
            f"On a machine with the hub run `hf download {backbone} --local-dir {Path(backbone).name}`, "
            f"copy that folder here and set backbone={Path(backbone).name}"
        ) from error
    positions = _count_positions(encoder)
    if positions and settings.windows.size > positions:
        raise BundleError(
            f"windows.size={settings.windows.size} is more than the {positions} positions of {backbone}; "
            f"set windows.size={positions} or less"
        )
    return Bundle(Model(encoder, len(schema.labels), len(schema.events)), tokenizer, schema, settings)


def _count_positions(encoder: PreTrainedModel) -> int | None:
    """How many tokens an encoder has positions for; RoBERTa's begin after its padding id."""
    positions: int | None = getattr(encoder.config, "max_position_embeddings", None)
    table = getattr(getattr(encoder, "embeddings", None), "position_embeddings", None)
    unused = getattr(table, "padding_idx", None)
    return positions if positions is None or unused is None else positions - unused - 1


def _damaged(folder: Path, error: Exception) -> BundleError:
    return BundleError(f"{folder}: damaged model folder ({error}); train it again: python -m train")


def _read_description(folder: Path) -> dict[str, Any]:
    path = folder / SETTINGS_FILE
    if not path.is_file():
        raise BundleError(
            f"{folder}: no model folder ({SETTINGS_FILE} is missing); train one: python -m train"
        )
    try:
        description: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        version = description["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise BundleError(f"{path}: unreadable ({error}); train the model again: python -m train") from None
    if version != FORMAT:
        raise BundleError(
            f"{folder}: model format {version}, this Vizitka reads {FORMAT}; train it again with this "
            "version, or install the Vizitka that wrote it"
        )
    return description
