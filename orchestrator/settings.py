"""Every knob, read once: its default, environment variable, flag and help stand together here and nowhere else.

A field `run_iterations` is the variable RUN_ITERATIONS and the flag `--run-iterations`. Flags win over variables.
`Settings` is a plain dataclass so that `automodel --help` need not wait 0.3 s for pydantic, which reads and checks it.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_type_hints

from orchestrator.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping


PASSWORD = re.compile(r"//[^/\s@]*@")
"""A user, or a user and a password, in an address."""
LARGEST = 1e6
"""Of every float: minutes, hours, GiB, dollars. No machine has more, and no clock or size overflows below it."""
LARGEST_SEED = (1 << 32) - 1
"""numpy takes no larger one."""


def _knob(default: Any, text: str, **bounds: float) -> Any:
    if isinstance(default, float):
        bounds = {"le": LARGEST, "allow_inf_nan": False, **bounds}
    return field(default=default, metadata={"help": text, "bounds": bounds})


def _secret(text: str) -> Any:
    return field(default="", repr=False, metadata={"help": text, "bounds": {}, "secret": True})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The knobs of a run."""

    dataset: str = _knob(
        "digits", "a name (`automodel datasets` lists them), or the path of a folder or file of images"
    )
    dataset_info: str = _knob("", "what the images show, in your words; the team reads it")
    dataset_file_column: str = _knob("", "of a table of files and labels: the column of files; default: found out")
    dataset_label_column: str = _knob("", "of a table of files and labels: the column of labels; default: found out")
    dataset_group_column: str = _knob(
        "", "of a table: images with the same value (a patient, a plant) stay on one side of every split"
    )
    dataset_max_side: int = _knob(512, "larger photos are prepared once at this longer side, in pixels", ge=32)
    dataset_seed: int = _knob(0, "seed of the splits", ge=0, le=LARGEST_SEED)
    datasets_mirror: str = _secret("addresses, with commas, under which KEY/FILE of a named dataset is tried first")
    kaggle_username: str = _secret("for datasets that are competitions on Kaggle; default: ~/.kaggle/kaggle.json")
    kaggle_key: str = _secret("the key of that account")
    datasets_dir: Path = _knob("datasets", "where prepared datasets are kept, as seen from the current folder")
    runs_dir: Path = _knob("runs", "where runs are kept, as seen from the current folder")
    weights_dir: Path = _knob("weights", "pretrained weights, in the Hugging Face cache layout")
    weights_fetch: bool = _knob(False, "fetch pretrained weights that a component asks for and that are not there")
    weights_mirror: str = _knob("https://huggingface.co", "where they are fetched from: the hub, or a mirror of it")

    run_iterations: int = _knob(10, "changes to try after the draft", ge=0)
    run_hours: float = _knob(0.0, "hours for all of it, the last trainings included; 0: no limit", ge=0)
    run_fit_minutes: float = _knob(20.0, "clock of one training, in minutes", gt=0)
    run_repairs: int = _knob(3, "repairs of a crashed pipeline within an iteration", ge=0)
    run_seed: int = _knob(0, "seed of training", ge=0, le=LARGEST_SEED)
    run_protocol: Literal["careful", "paper"] = _knob(
        "careful", "careful: a change is kept if a paired test says so; paper: any gain is, as in the paper"
    )
    run_level: float = _knob(0.1, "level of that test: how often luck alone may pass it", gt=0, lt=0.5)
    run_candidates: int = _knob(1, "different changes to try in an iteration; the best is kept", ge=1, le=16)
    run_plateau: int = _knob(3, "iterations without gain, after which something of another kind is tried", ge=1)
    run_finals: int = _knob(3, "at the end the best so many are trained again with new seeds; 0 or 1: none", ge=0)
    run_final_seeds: int = _knob(2, "new seeds for each of them; the best mean wins", ge=0, le=20)
    run_average: bool = _knob(False, "at the end try averages of what is alike, and keep one that wins the test")
    run_refit: bool = _knob(False, "at the end train the winner once more on all images but the test images")

    run_backbone: str = _knob(
        "", "the network must be this architecture of timm, e.g. vit_base_patch16_224; default: the team chooses"
    )
    run_zero_shot_init: bool = _knob(True, "the architect writes the whole draft; false: the engineers do, in turn")
    run_dataset_info: bool = _knob(True, "tell the team what the images show, where that is known")

    llm_provider: Literal["auto", "playbook", "openai", "anthropic"] = _knob(
        "auto", "who designs: openai, anthropic, or playbook (proven recipes, no key); auto: whose key is set"
    )
    llm_model: str = _knob("", "language model of every agent; default: a middle one of the provider's")
    llm_model_architect: str = _knob("", "the architect's own")
    llm_model_data_engineer: str = _knob("", "the Data Engineer's own")
    llm_model_model_engineer: str = _knob("", "the Model Engineer's own")
    llm_model_training_engineer: str = _knob("", "the Training Engineer's own")
    llm_model_analyst: str = _knob("", "the analyst's own")
    llm_model_summarizer: str = _knob("", "the summarizer's own; default: a cheap one of the provider's")
    llm_skill: Literal["write", "choose"] = _knob(
        "write", "write: agents write code; choose: they choose among recipes and values, for small models"
    )
    llm_vision: bool = _knob(False, "show the architect and the analyst images, if the model can see")
    llm_output_tokens: int = _knob(16_000, "longest reply, hidden reasoning included", ge=256)
    llm_context_tokens: int = _knob(
        0, "what the model can read; 0: until it says so, but some servers (Ollama) cut in silence instead", ge=0
    )
    llm_temperature: float = _knob(-1.0, "temperature of the agents; -1: the model's own", ge=-1, le=2)
    llm_timeout_seconds: float = _knob(600.0, "for one reply", gt=0)
    llm_patience_minutes: float = _knob(30.0, "for one reply, with all retries", gt=0)
    llm_prices: str = _knob("", "MODEL=IN/OUT, ... in USD for a million tokens, over the built-in table")
    openai_api_key: str = _secret("key for LLM_PROVIDER=openai")
    openai_base_url: str = _secret("an OpenAI-compatible server: http://127.0.0.1:8080/v1")
    anthropic_api_key: str = _secret("key for LLM_PROVIDER=anthropic")
    anthropic_base_url: str = _secret("another address of Anthropic's API")
    budget_usd: float = _knob(0.0, "dollars for language models; 0: no limit", ge=0)
    budget_tokens: int = _knob(0, "tokens, in and out, for language models; 0: no limit", ge=0)

    tracker: Literal["none", "mlflow", "tensorboard"] = _knob(
        "none", "tell each iteration to MLflow (at MLFLOW_TRACKING_URI) or TensorBoard, too"
    )

    sandbox_backend: Literal["auto", "docker", "bubblewrap"] = _knob(
        "auto", "what contains generated code; auto: Docker if an engine answers, else bubblewrap"
    )
    sandbox_gpus: Literal["auto", "none"] = _knob("auto", "auto: use the engine's GPUs if it has any")
    sandbox_cpus: float = _knob(0.0, "cores of a job; 0: all", ge=0)
    sandbox_memory: float = _knob(0.0, "GiB of a job; 0: three quarters of the machine's", ge=0)
    sandbox_output: float = _knob(2.0, "GiB that a job may write; holds the weights twice", gt=0)
    sandbox_runtime: str = _knob("", "container runtime other than the engine's default, e.g. runsc")
    sandbox_allow_weak: str = _knob("", "names of limits that need not hold, with commas: a refusal names them")

    watch_port: int = _knob(8470, "port of `automodel watch` on this machine; 0: any that is free", ge=0, le=65535)
    serve_port: int = _knob(8000, "port of `automodel serve` on 127.0.0.1; 0: any that is free", ge=0, le=65535)
    serve_images: int = _knob(64, "most images in a request to `automodel serve`", ge=1, le=1000)
    serve_megabytes: float = _knob(64.0, "most MB of a request to `automodel serve`", gt=0)
    serve_seconds: float = _knob(
        30.0, "for a request to `automodel serve`: to wait for its turn, and to be answered", gt=0
    )

    image_base: str = _knob("python:3.11-slim", "base image of the sandbox image")
    image_wheels: str = _knob("", "folder of wheels to build the image from, instead of an index")
    image_ca: str = _knob("", "CA file that pip trusts while the image is built")
    image_index: str = _knob("", "package index URL for the image build; default: pip's own")
    image_extra_index: str = _knob("", "a second package index URL for the image build")
    image_network: str = _knob("", "network of the image build; host: where an index is on this machine")

    def job_cores(self) -> float:
        return self.sandbox_cpus or float(len(os.sched_getaffinity(0)))

    def job_memory(self) -> int:
        """Bytes that a job may use."""
        machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return int(self.sandbox_memory * (1 << 30)) or machine * 3 // 4

    def public(self) -> dict[str, str | int | float]:
        """Every knob that is no secret, as JSON can hold it."""
        shown = (knob for knob in fields(self) if "secret" not in knob.metadata)
        values = ((knob.name, getattr(self, knob.name)) for knob in shown)
        texts = {name: str(value) if isinstance(value, Path) else value for name, value in values}
        return {name: PASSWORD.sub("//", value) if isinstance(value, str) else value for name, value in texts.items()}


def read_settings(flags: Mapping[str, str]) -> Settings:
    """Read each knob from its flag, else its environment variable, else its default.

    Raises:
        SettingsError: a value makes no sense; the sentence names the variable.
    """
    from pydantic import Field, ValidationError, create_model
    from pydantic_settings import BaseSettings, SettingsConfigDict

    hints = get_type_hints(Settings)
    knobs: dict[str, Any] = {
        knob.name: (hints[knob.name], Field(knob.default, **knob.metadata["bounds"])) for knob in fields(Settings)
    }

    class Source(BaseSettings):
        model_config = SettingsConfigDict(env_ignore_empty=True, validate_default=True)

    reader = create_model("Reader", __base__=Source, **knobs)
    try:
        return Settings(**reader(**flags).model_dump())
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0])
        shown = "" if _secret_knob(name) else f" is {str(first['input'])[:80]!r}, which"
        raise SettingsError(
            f"{name.upper()}{shown} will not do: {first['msg'].lower()}; see `automodel run --help`."
        ) from None


def _secret_knob(name: str) -> bool:
    return any(knob.name == name and "secret" in knob.metadata for knob in fields(Settings))
