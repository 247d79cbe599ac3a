"""Measures how fast this machine computes with each number format, with matrix products like those of a model.

One token reads every weight once and a batch shares the reading, so a model's speed follows from its formats. Both are
measured on matrices of a usual size, in llama.cpp's layout for this processor and with its threads.
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
from typing import Any

from desktop_llm.engine.native import CPU_DEVICE, InitParams, Pointer, ggml

# The formats of nearly all files, by ggml_type; any other counts as the median of these.
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
_READ_BYTES = 96 << 20  # more than the caches of desktop processors hold
_BATCH, _BATCH_ROWS = 64, 1024  # as fast per weight as larger ones, and done sooner
# Other programs disturb a measurement for longer than one turn, so each format gets several turns, seconds apart.
_PASSES, _ROUNDS = 3, 5
_GRAPH_NODES = 8
_BUFFER_AT = 8  # the offset of a tensor's buffer within ggml_tensor, by its declaration in ggml.h
_CONTEXT_BYTES = 4 << 20  # for the descriptions of tensors; their data lies in a buffer


def measure(
    threads: int, *, extra_buffers: bool, formats: Mapping[str, int] = FORMATS
) -> Generator[str, None, dict[str, Any]]:
    """Measure all formats: yields the name of each format after its turn; returns `formats` and `share`.

    `formats` has {bytes_per_s, weights_per_s, copied} by name. `share` is the part of the cores' time that the
    measurement got: 1 if no other program needed any. The CPU's module must be loaded.
    """
    turns: dict[str, list[tuple[float, float]]] = defaultdict(list)
    with _processor(threads, extra_buffers=extra_buffers) as processor:
        for _ in range(_PASSES):
            for name, kind in formats.items():
                turns[name].append(processor.times(kind))
                yield name
        speeds = {name: processor.speeds(formats[name], times) for name, times in turns.items()}
        return {"formats": speeds, "share": processor.share / threads}


@contextmanager
def _processor(threads: int, *, extra_buffers: bool) -> Iterator[_Processor]:
    processor = _Processor(threads, extra_buffers=extra_buffers)
    try:
        yield processor
    finally:
        processor.ggml.backend_free(processor.backend)


class _Processor:
    """The CPU backend of the loaded module, set to a number of threads."""

    def __init__(self, threads: int, *, extra_buffers: bool) -> None:
        self.ggml = ggml()
        self._device = self.ggml.backend_dev_by_type(CPU_DEVICE)
        self.backend = self.ggml.backend_dev_init(self._device, None)
        self._plain: int = self.ggml.backend_dev_buffer_type(self._device)
        self._extra = self._extra_types() if extra_buffers else []
        if address := self._function("ggml_backend_set_n_threads"):
            ctypes.CFUNCTYPE(None, Pointer, ctypes.c_int)(address)(self.backend, threads)
        # A single thread computes in this thread, whose own CPU time is disturbed less by other programs. (Windows
        # counts it coarsely.)
        self._clock = time.thread_time if threads == 1 and sys.platform != "win32" else time.perf_counter
        self._processor_s = self._passed_s = 0.0

    def times(self, kind: int) -> tuple[float, float]:
        """Time one turn of a format: the seconds for a matrix's product with one vector, and with a batch."""
        count = _READ_BYTES // self._matrix_bytes(kind)
        return self._product_s(kind, _ROWS, 1, count), self._product_s(kind, _BATCH_ROWS, _BATCH, 1)

    def speeds(self, kind: int, turns: Sequence[tuple[float, float]]) -> dict[str, Any]:
        """The format's speeds, from its turns."""
        vector_s, batch_s = (statistics.median(times) for times in zip(*turns, strict=True))
        return {
            "bytes_per_s": self._matrix_bytes(kind) / vector_s,
            "weights_per_s": _BATCH_ROWS * _COLUMNS * _BATCH / batch_s,
            "copied": self._buffer_type(kind, _ROWS) != self._plain,
        }

    def _matrix_bytes(self, kind: int, rows: int = _ROWS) -> int:
        return int(self.ggml.row_size(kind, _COLUMNS)) * rows

    @property
    def share(self) -> float:
        """The seconds of processor time, of all threads, per second measured."""
        return self._processor_s / self._passed_s if self._passed_s else 0.0

    def _product_s(self, kind: int, rows: int, batch: int, count: int) -> float:
        """The usual seconds for the product of one of `count` matrices with a batch of vectors.

        All matrices are used before one is read again. They are zeros: the time does not depend on the numbers, as long
        as none is out of range.
        """
        library = self.ggml
        with self._context() as weights, self._context() as values:
            matrices = [library.new_tensor_2d(weights, kind, _COLUMNS, rows) for _ in range(count)]
            operand = library.new_tensor_2d(values, _F32, _COLUMNS, batch)
            products = [library.mul_mat(values, matrix, operand) for matrix in matrices]
            graphs = [library.new_graph_custom(values, _GRAPH_NODES, False) for _ in products]
            for graph, product in zip(graphs, products, strict=True):
                library.build_forward_expand(graph, product)
            kept = self._buffer_type(kind, rows)
            buffers = [
                library.backend_alloc_ctx_tensors_from_buft(weights, kept),
                library.backend_alloc_ctx_tensors_from_buft(values, self._plain),
            ]
            try:
                matrix_bytes, operand_bytes = self._matrix_bytes(kind, rows), 4 * _COLUMNS * batch
                for matrix in matrices:
                    library.backend_tensor_set(matrix, bytes(matrix_bytes), 0, matrix_bytes)
                library.backend_tensor_set(operand, bytes(operand_bytes), 0, operand_bytes)
                compute = functools.partial(library.backend_graph_compute, self.backend)
                rounds = [[self._timed(compute, graph) for graph in graphs] for _ in range(_ROUNDS)]
            finally:
                for buffer in buffers:
                    library.backend_buffer_free(buffer)
        # The lower quartile: disturbances only make a measurement slower, but the very best one is luck.
        return statistics.fmean(sorted(times)[_ROUNDS // 4] for times in zip(*rounds, strict=True))

    def _timed(self, compute: Callable[[int], int], graph: int) -> float:
        processor_s, passed_s, begun = time.process_time(), time.perf_counter(), self._clock()
        compute(graph)
        took_s = self._clock() - begun
        self._passed_s += time.perf_counter() - passed_s
        self._processor_s += time.process_time() - processor_s
        return took_s

    def _buffer_type(self, kind: int, rows: int) -> int:
        """The buffer type in which llama.cpp would keep such a matrix: the first extra one that can multiply it.

        It depends on the format, the size and the processor, so no table can tell. llama.cpp finds out in the same way:
        by asking about a product of tensors that have no memory yet.
        """
        library = self.ggml
        for buffer_type in self._extra:
            with self._context() as context:
                matrix = library.new_tensor_2d(context, kind, _COLUMNS, rows)
                product = library.mul_mat(context, matrix, library.new_tensor_2d(context, _F32, _COLUMNS, _BATCH))
                buffer = library.backend_buft_alloc_buffer(buffer_type, 0)
                Pointer.from_address(matrix + _BUFFER_AT).value = buffer
                fitting = library.backend_dev_supports_op(self._device, product)
                library.backend_buffer_free(buffer)
            if fitting:
                return buffer_type
        return self._plain

    def _extra_types(self) -> list[int]:
        found: list[int] = []
        if address := self._function("ggml_backend_dev_get_extra_bufts"):
            types = ctypes.CFUNCTYPE(ctypes.POINTER(Pointer), Pointer)(address)(self._device)
            while types and (buffer_type := types[len(found)]):
                found.append(buffer_type)
        return found

    def _function(self, name: str) -> int | None:
        registry = self.ggml.backend_dev_backend_reg(self._device)
        address: int | None = self.ggml.backend_reg_get_proc_address(registry, name.encode())
        return address

    @contextmanager
    def _context(self) -> Iterator[int]:
        context = self.ggml.init(InitParams(_CONTEXT_BYTES, None, True))
        try:
            yield context
        finally:
            self.ggml.free(context)
