"""Measures how fast this machine computes with each number format: the same matrix products that a model is made of.

One token reads every weight once, a batch shares the reading, so a model's speed follows from its formats. Both are
measured on matrices of a usual size, laid out as llama.cpp would lay them out here, with its own threads.
"""

from __future__ import annotations

import ctypes
import functools
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from desktop_llm.engine import backends

# The formats of nearly all files, by ggml_type; the others count as the middle of these.
FORMATS = {
    "F16": 1,
    "Q4_0": 2,
    "Q4_1": 3,
    "Q5_0": 6,
    "Q8_0": 8,
    "Q3_K": 11,
    "Q4_K": 12,
    "Q5_K": 13,
    "Q6_K": 14,
    "IQ4_XS": 23,
    "BF16": 30,
    "MXFP4": 39,
}
_F32 = 0
_ROWS = _COLUMNS = 4096
_NARROW = 1024
_LEAST_SHARE = 0.25  # of a row's time that its bytes take at least, should the two lengths be measured unevenly
_READ_BYTES = 96 << 20  # more than the caches of desktop processors hold
_BATCH, _BATCH_ROWS = 64, 1024  # as fast for each weight as larger ones, and over sooner
# Other programs disturb for longer than a format's turn takes, so each format gets several turns, seconds apart.
_PASSES, _ROUNDS = 3, 5
_CPU = 0  # ggml_backend_dev_type
_GRAPH_NODES = 8
_BUFFER_AT = 8  # of a tensor's buffer within ggml_tensor, as its declaration in ggml.h says

Pointer = ctypes.c_void_p


class _InitParams(ctypes.Structure):
    _fields_ = (("mem_size", ctypes.c_size_t), ("mem_buffer", Pointer), ("no_alloc", ctypes.c_bool))


class _Times(NamedTuple):
    """Seconds for one row of a narrow matrix, one of a wide one, and a wide matrix's product with a batch."""

    narrow_row: float
    wide_row: float
    batch: float


def measure(
    threads: int, *, extra_buffers: bool, formats: Mapping[str, int] = FORMATS
) -> Generator[str, None, dict[str, Any]]:
    """Yields the name of each format that had a turn; returns `formats` and `share`.

    `formats` has {bytes_per_s, row_s, weights_per_s, rearranged} by name; `share` is how much of its cores' time the
    measurement got, 1 where no other program wanted any. The CPU's module must be loaded.
    """
    turns: dict[str, list[_Times]] = defaultdict(list)
    with _Processor(threads, extra_buffers=extra_buffers) as processor:
        for _ in range(_PASSES):
            for name, kind in formats.items():
                turns[name].append(processor.times(kind))
                yield name
        speeds = {name: processor.speeds(formats[name], _middle(times)) for name, times in turns.items()}
        return {"formats": speeds, "share": processor.share / threads}


def _middle(turns: Sequence[_Times]) -> _Times:
    return _Times(*(statistics.median(times) for times in zip(*turns, strict=True)))


class _Processor:
    """The CPU backend of the loaded module, set to so many threads."""

    def __init__(self, threads: int, *, extra_buffers: bool) -> None:
        self._ggml = _Ggml(backends.bindings()._lib)
        self._device = self._ggml.backend_dev_by_type(_CPU)
        self._backend = self._ggml.backend_dev_init(self._device, None)
        self._plain = self._ggml.backend_dev_buffer_type(self._device)
        self._extra = self._extra_types() if extra_buffers else []
        # One thread computes in this one, whose own time other programs disturb less. (Windows counts it coarsely.)
        self._clock = time.thread_time if threads == 1 and sys.platform != "win32" else time.perf_counter
        self._set_threads(threads)
        self._processor_s = self._passed_s = 0.0

    def __enter__(self) -> _Processor:
        return self

    def __exit__(self, *_: object) -> None:
        self._ggml.backend_free(self._backend)

    def times(self, kind: int) -> _Times:
        """One turn of a format."""
        buffer_type = self._buffer_type(kind)
        narrow_s, wide_s = (self._row_s(kind, buffer_type, columns) for columns in (_NARROW, _COLUMNS))
        with self._products(kind, buffer_type, 1, _BATCH, _COLUMNS, _BATCH_ROWS) as products:
            return _Times(narrow_s, wide_s, _usual([self._timed(products[0]) for _ in range(_ROUNDS)]))

    def speeds(self, kind: int, times: _Times) -> dict[str, Any]:
        """What a format's times say; rows of two lengths tell apart what a row costs and what its bytes do."""
        narrow, wide = (self._ggml.row_size(kind, columns) for columns in (_NARROW, _COLUMNS))
        byte_s = (times.wide_row - times.narrow_row) / (wide - narrow)
        byte_s = min(max(byte_s, _LEAST_SHARE * times.wide_row / wide), times.wide_row / wide)
        return {
            "bytes_per_s": 1 / byte_s,
            "row_s": times.wide_row - wide * byte_s,
            "weights_per_s": _BATCH_ROWS * _COLUMNS * _BATCH / times.batch,
            "rearranged": self._buffer_type(kind) != self._plain,
        }

    def _row_s(self, kind: int, buffer_type: int, columns: int) -> float:
        """Seconds for one row of one token's product; all matrices are gone through before one is read again."""
        count = max(1, _READ_BYTES // (self._ggml.row_size(kind, columns) * _ROWS))
        with self._products(kind, buffer_type, count, 1, columns, _ROWS) as products:
            rounds = [[self._timed(product) for product in products] for _ in range(_ROUNDS)]
        row_s: float = sum(_usual(times) for times in zip(*rounds, strict=True)) / (count * _ROWS)
        return row_s

    @contextmanager
    def _products(
        self, kind: int, buffer_type: int, count: int, batch: int, columns: int, rows: int
    ) -> Iterator[list[Callable[[], None]]]:
        """`count` matrices, each with the way to multiply it with the same input."""
        ggml = self._ggml
        with ggml.context() as weights, ggml.context() as values:
            matrices = [ggml.new_tensor_2d(weights, kind, columns, rows) for _ in range(count)]
            operand = ggml.new_tensor_2d(values, _F32, columns, batch)
            graphs = [ggml.graph_of(values, ggml.mul_mat(values, matrix, operand)) for matrix in matrices]
            buffers = [ggml.allocate(weights, buffer_type), ggml.allocate(values, self._plain)]
            try:
                self._fill(matrices, ggml.row_size(kind, columns) * rows)
                self._fill([operand], ggml.row_size(_F32, columns) * batch)
                yield [functools.partial(ggml.backend_graph_compute, self._backend, graph) for graph in graphs]
            finally:
                for buffer in buffers:
                    ggml.backend_buffer_free(buffer)

    @property
    def share(self) -> float:
        """Seconds of processor time, of all threads, for each second that was timed."""
        return self._processor_s / self._passed_s if self._passed_s else 0.0

    def _timed(self, work: Callable[[], None]) -> float:
        processor_s, passed_s, begun = time.process_time(), time.perf_counter(), self._clock()
        work()
        took_s = self._clock() - begun
        self._passed_s += time.perf_counter() - passed_s
        self._processor_s += time.process_time() - processor_s
        return took_s

    def _fill(self, tensors: list[int], size_bytes: int) -> None:
        """Zeros: the time does not depend on the numbers, as long as none is out of range."""
        for tensor in tensors:
            self._ggml.backend_tensor_set(tensor, bytes(size_bytes), 0, size_bytes)

    def _buffer_type(self, kind: int) -> int:
        """Where llama.cpp would put such a matrix: the first extra buffer type that can multiply it, else plain memory.

        It asks in the same way, by a product of tensors that have no memory yet.
        """
        ggml = self._ggml
        for buffer_type in self._extra:
            with ggml.context() as context:
                matrix = ggml.new_tensor_2d(context, kind, _COLUMNS, _ROWS)
                product = ggml.mul_mat(context, matrix, ggml.new_tensor_2d(context, _F32, _COLUMNS, _BATCH))
                buffer = ggml.backend_buft_alloc_buffer(buffer_type, 0)
                Pointer.from_address(matrix + _BUFFER_AT).value = buffer
                fitting = ggml.backend_dev_supports_op(self._device, product)
                ggml.backend_buffer_free(buffer)
            if fitting:
                return buffer_type
        return int(self._plain)

    def _extra_types(self) -> list[int]:
        address = self._function("ggml_backend_dev_get_extra_bufts")
        if not address:
            return []
        types = ctypes.CFUNCTYPE(ctypes.POINTER(Pointer), Pointer)(address)(self._device)
        found: list[int] = []
        while types and (buffer_type := types[len(found)]):
            found.append(buffer_type)
        return found

    def _set_threads(self, threads: int) -> None:
        if address := self._function("ggml_backend_set_n_threads"):
            ctypes.CFUNCTYPE(None, Pointer, ctypes.c_int)(address)(self._backend, threads)

    def _function(self, name: str) -> int | None:
        registry = self._ggml.backend_dev_backend_reg(self._device)
        address: int | None = self._ggml.backend_reg_get_proc_address(registry, name.encode())
        return address


class _Ggml:
    """The functions of ggml.h and ggml-backend.h that are needed here and that the bindings don't declare."""

    def __init__(self, library: Any) -> None:
        size, text, whole = ctypes.c_size_t, ctypes.c_char_p, ctypes.c_int64

        def declare(name: str, result: Any, *arguments: Any) -> Any:
            function = getattr(library, f"ggml_{name}")
            function.argtypes, function.restype = list(arguments), result
            return function

        self._init = declare("init", Pointer, _InitParams)
        self._free = declare("free", None, Pointer)
        self.row_size = declare("row_size", size, ctypes.c_int, whole)
        self.new_tensor_2d = declare("new_tensor_2d", Pointer, Pointer, ctypes.c_int, whole, whole)
        self.mul_mat = declare("mul_mat", Pointer, Pointer, Pointer, Pointer)
        self._new_graph = declare("new_graph_custom", Pointer, Pointer, size, ctypes.c_bool)
        self._expand = declare("build_forward_expand", None, Pointer, Pointer)
        self.allocate = declare("backend_alloc_ctx_tensors_from_buft", Pointer, Pointer, Pointer)
        self.backend_dev_by_type = declare("backend_dev_by_type", Pointer, ctypes.c_int)
        self.backend_dev_init = declare("backend_dev_init", Pointer, Pointer, text)
        self.backend_dev_buffer_type = declare("backend_dev_buffer_type", Pointer, Pointer)
        self.backend_dev_backend_reg = declare("backend_dev_backend_reg", Pointer, Pointer)
        self.backend_dev_supports_op = declare("backend_dev_supports_op", ctypes.c_bool, Pointer, Pointer)
        self.backend_reg_get_proc_address = declare("backend_reg_get_proc_address", Pointer, Pointer, text)
        self.backend_buft_alloc_buffer = declare("backend_buft_alloc_buffer", Pointer, Pointer, size)
        self.backend_buffer_free = declare("backend_buffer_free", None, Pointer)
        self.backend_tensor_set = declare("backend_tensor_set", None, Pointer, text, size, size)
        self.backend_graph_compute = declare("backend_graph_compute", ctypes.c_int, Pointer, Pointer)
        self.backend_free = declare("backend_free", None, Pointer)

    def graph_of(self, context: int, result: int) -> int:
        """What is to be computed for this one result."""
        graph: int = self._new_graph(context, _GRAPH_NODES, False)
        self._expand(graph, result)
        return graph

    @contextmanager
    def context(self) -> Iterator[int]:
        """A context of ggml for descriptions only; memory comes from a buffer."""
        context = self._init(_InitParams(4 << 20, None, True))
        try:
            yield context
        finally:
            self._free(context)


def _usual(times: Sequence[float]) -> float:
    """The lower quartile: what disturbs a measurement makes it slower, but the very best is luck."""
    return sorted(times)[len(times) // 4]
