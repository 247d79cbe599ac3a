"""Repositories, files, forecasts and downloads as the models' room hands them out."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from desktop_llm.models.fit import Fit, Forecast
from desktop_llm.models.fit.catalog import Recommendation
from desktop_llm.models.hub import HubFile, HubModel, HubPart, HubRepo

GB = 1_000_000_000
DAY_S = 86_400


def a_hub_model(repo: str = "Qwen/Qwen3-8B-GGUF", **fields: Any) -> HubModel:
    """A repository as a search lists it."""
    usual = HubModel(
        repo,
        1_900_000,
        412,
        "apache-2.0",
        False,
        time.time() - 40 * DAY_S,
        "text-generation",
        ("en", "de", "fr", "zh", "es"),
        ("gguf", "qwen3"),
        "qwen3",
        8_190_000_000,
        40_960,
    )
    return replace(usual, **fields)


def a_hub_file(quantization: str = "Q4_K_M", size_bytes: int = 5 * GB, name: str = "") -> HubFile:
    """One size of a repository."""
    name = name or f"Qwen3-8B-{quantization}.gguf"
    sha256 = (quantization.encode().hex() * 32)[:64]
    return HubFile(name, quantization, size_bytes, sha256, (HubPart(name, size_bytes, sha256),))


def a_hub_repo(model: HubModel | None = None) -> HubRepo:
    """Five sizes and three more files."""
    sizes = (
        ("Q2_K", 3.2),
        ("Q3_K_M", 3.8),
        ("Q4_K_S", 4.8),
        ("Q4_K_M", 5.0),
        ("Q5_K_M", 5.9),
        ("Q6_K", 6.7),
        ("Q8_0", 8.7),
        ("BF16", 16.4),
    )
    files = tuple(a_hub_file(name, round(size * GB)) for name, size in sizes)
    return HubRepo(model or a_hub_model(), "abc123", files, ())


def a_forecast(size_bytes: int = 5 * GB, fit: Fit = "fits", tokens_per_s: float | None = 38.0) -> Forecast:
    """The forecast for a file of this size on this computer."""
    kv, compute = GB, GB // 10
    gpu = size_bytes + kv + compute if fit == "fits" else 0
    return Forecast(
        size_bytes, kv, compute, size_bytes + kv + compute, gpu, 36 if gpu else 0, 36, tokens_per_s, 300.0, fit, False
    )


def a_recommendation(name: str = "Qwen3 8B", title: str = "Best balance", fit: Fit = "fits") -> Recommendation:
    """A recommendation from the catalogue."""
    return Recommendation(
        f"Qwen/{name.replace(' ', '-')}-GGUF",
        f"{name.replace(' ', '-')}-Q4_K_M.gguf",
        name,
        title,
        "A general model for chat, writing and code in over 100 languages.",
        5 * GB,
        a_forecast(fit=fit),
        "apache-2.0",
        "Q4_K_M",
    )
