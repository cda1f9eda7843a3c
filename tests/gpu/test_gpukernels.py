#!/usr/bin/env python3
"""Tests of scripts/gpukernels: what it reads out of disassembled kernels, and that the check can fail."""
import contextlib
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path.insert(0, f"{ROOT}/scripts")
# pylint: disable=wrong-import-position
from gpukernels import table
from gpukernels.launches import Launch, moved_bytes, product, source_taken
from gpukernels.listing import Instruction, Listing, count_trips
from gpukernels.nvidia import Sass
from gpukernels.measure import measure
from gpukernels.toolchain import Tools, vendor_of

# One target a vendor.
TARGETS = ("sm_90", "gfx1100", "dg2")

# A tile loop whose length is an argument, around one of 16 rounds with 4 multiply-adds that is not unrolled.
LOOP = """
#ifdef cl_intel_required_subgroup_size
__attribute__((intel_reqd_sub_group_size(8))) /* one instruction for all work-items of a sub-group */
#endif
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void tiles(__global const float *restrict x,
    __global float *restrict y, const int count)
{
    __local float tile[1024];
    const int item = get_local_id(0);
    float a = 0.0f, b = 0.0f, c = 0.0f, d = 0.0f;
    for (int t = 0; t < count; t++) {
        for (int i = 0; i < 1024; i += 64)
            tile[i + item] = x[t * 1024 + i + item];
        barrier(CLK_LOCAL_MEM_FENCE);
        _Pragma("nounroll") for (int i = 0; i < 16; i++) {
            const float v = tile[i * 64 + item];
            a = fma(v, v, a), b = fma(v, a, b), c = fma(v, b, c), d = fma(v, c, d);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    y[get_global_id(0)] = a + b + c + d;
}
"""
# An array that is indexed by an argument lies in memory.
SCRATCH = """__kernel void scratch(__global float *x, const int at)
{
    float values[64];
    for (int i = 0; i < 64; i++)
        values[i] = x[i * 64 + get_global_id(0)] * x[i];
    x[get_global_id(0)] = values[at & 63] + values[x[at] > 0.0f ? 3 : at & 31];
}
"""


@contextlib.contextmanager
def source(text):
    """The path of a kernel file."""
    with tempfile.NamedTemporaryFile("w", suffix=".cl") as file:
        file.write(text)
        file.flush()
        yield file.name


def total(counts, kind):
    return sum(counts.get(f"{kind}{size}", 0) for size in (4, 8, 16))


class WithCompilers(unittest.TestCase):
    """Skipped for vendors whose compilers are not there."""

    def setUp(self):
        self.tools = Tools(os.environ.get("RNCL_GPU_COMPILERS", f"{ROOT}/build/gpu-compilers"))
        self.targets = [target for target in TARGETS if not self.tools.missing(vendor_of(target))]
        if not self.targets:
            self.skipTest("no compilers")

    def test_constant_loops_count_as_often_as_they_run(self):
        with source(LOOP) as path:
            for target in self.targets:
                with self.subTest(target=target):
                    found = measure(self.tools, path, "", target)["tiles"]
                    self.assertEqual(found["loop"]["fma"], 64)
                    self.assertEqual(total(found["loop"], "local_load"), 16)
                    self.assertEqual(total(found["loop"], "global_load"), 16)
                    self.assertEqual((found["spills"], found["scratch"], found["local"], found["group"]), (0, 0, 4096, 64))

    def test_scratch_fails_the_check(self):
        self.expect(SCRATCH, 1, "scratch")

    def test_a_clean_kernel_passes_the_check(self):
        self.expect(LOOP, 0, "tiles")

    def test_a_kernel_that_does_not_compile_fails_the_check(self):
        self.expect("__kernel void broken(__global float *x) { x[0] = y; }\n", 1, "undeclared identifier 'y'")

    def expect(self, text, status, part):
        """Runs the check for each target."""
        with source(text) as path:
            for target in self.targets:
                with self.subTest(target=target):
                    done = subprocess.run([f"{ROOT}/scripts/check-gpu-kernels", "--compilers", self.tools.folder, "--file", path,
                                           "--targets", target], capture_output=True, text=True, check=False)
                    self.assertEqual(done.returncode, status, done.stdout + done.stderr)
                    self.assertIn(part, done.stdout)


class Table(unittest.TestCase):
    def test_what_is_written_is_read(self):
        plain = {"registers": 20, "occupancy": "8/8", "loop": None}
        tiled = {"registers": 90, "occupancy": "16/64", "loop": {"fma": 512, "all": 875}}
        rows = {("nvidia", "tiles", "-DVW=4 -DTM=128 "): {"sm_80": tiled, "sm_90": tiled}, ("nvidia", "copy", ""): {"sm_80": plain}}
        with tempfile.NamedTemporaryFile() as file:
            table.write(file.name, ["nvidia: clang 19"], {"nvidia": ("sm_80", "sm_90")}, rows)
            versions, shares = table.read(file.name)
        self.assertEqual(versions, ["nvidia: clang 19"])
        self.assertEqual(shares, {("nvidia", "tiles", "VW=4 TM=128", "sm_80"): 59, ("nvidia", "tiles", "VW=4 TM=128", "sm_90"): 59,
                                  ("nvidia", "copy", "-", "sm_80"): None})

    def test_a_lower_share_is_a_fault(self):
        found = {"spills": 0, "scratch": 0, "loop": {"fma": 512, "all": 875}}
        self.assertEqual(list(table.faults(found, {"x": 59}, "x")), [])
        self.assertEqual(len(list(table.faults(found, {"x": 60}, "x"))), 1)
        self.assertEqual(len(list(table.faults({**found, "loop": None}, {"x": 60}, "x"))), 1)
        self.assertEqual(len(list(table.faults(found, {}, "x"))), 1)
        self.assertEqual(len(list(table.faults({**found, "spills": 4}, None, "x"))), 1)


class Loops(unittest.TestCase):
    @staticmethod
    def loop(*lines):
        """A loop that begins with R12 = 0 and ends when it is 4."""
        texts = ["MOV R12, RZ", *lines, "ISETP.NE.U32.AND P0, PT, R12, 0x4, PT", "EXIT"]
        items = [Instruction(text.split(" ")[0], text) for text in texts]
        items.insert(-1, Instruction("BRA", "BRA `(.L_x_1)", ".L_x_1"))
        items.insert(1, ".L_x_1")
        listing = Listing(items)
        return count_trips(listing, listing.loops()[0], Sass)

    def test_a_counter_tells_how_often_a_loop_runs(self):
        self.assertEqual(self.loop("VIADD R12, R12, 0x1"), 4)

    def test_a_register_of_many_uses_is_no_counter(self):
        self.assertIsNone(self.loop("VIADD R12, R12, 0x1", "VIADD R12, R12, 0x1"))
        self.assertIsNone(self.loop("VIADD R12, R12, 0x1", "VIADD R12, R7, 0x1"))
        self.assertIsNone(self.loop("IMAD.IADD R12, R12, 0x1, R6"))


class Launches(unittest.TestCase):
    def test_a_convolution_in_tiles_is_a_product_of_matrices(self):
        # 3x3 with stride 2, 56x56x128 to 28x28x256, in 4 shares of the depth.
        shape = [8, 56, 56, 128, 3, 3, 2, 1, 1, 28, 28, 256, 28, 28, 1, 0, 0, 0]
        launch = Launch("conv_tiled", "", "-DDFILTER=1 -DTK=8", [256 * 18, 4, 1], [256, 1, 1], [shape, [0, 0, 0], [1], 4096])
        what = product(launch)
        self.assertEqual((what.rows, what.columns, what.depth), (3 * 3 * 128, 256, 8 * 28 * 28))
        self.assertEqual((what.batch, what.shares, launch.groups), (1, 4, 72))

    def test_one_on_matrix_units_is_too(self):
        # The same, each share in its own groups of dimension 2.
        shape = [8, 56, 56, 128, 3, 3, 2, 1, 1, 28, 28, 256, 0, 3, 1, 28, 28, 1, 0, 0, 1, 0, 0]
        launch = Launch("conv_mma", "", "-DPASS=2 -DTK=16 -DPACK=1", [256 * 2, 9, 4], [256, 1, 1], [shape, 4096])
        what = product(launch)
        self.assertEqual((what.rows, what.columns, what.depth), (3 * 3 * 128, 256, 8 * 28 * 28))
        self.assertEqual((what.batch, what.shares), (1, 4))

    def test_winograd_s_products_are_a_batch(self):
        # 36 filter gradients of 512 tiles, 64 to 128 channels, in 2 shares.
        shape = [1, 1, 512, 64, 1, 1, 1, 0, 0, 1, 512, 128, 0, 1, 1, 1, 512, 1, 0, 0, 36, 0, 0]
        launch = Launch("conv_mma", "", "-DPASS=2 -DTK=16 -DPACK=1", [256, 1, 72], [256, 1, 1], [shape, 4096])
        what = product(launch)
        self.assertEqual((what.name, what.rows, what.columns, what.depth), ("conv filter gradient Winograd products", 64, 128, 512))
        self.assertEqual((what.batch, what.shares, what.bytes), (36, 2, 4 * 36 * (512 * 64 + 512 * 128 + 2 * 64 * 128)))

    def test_a_convolution_moves_what_it_adds_to_and_what_it_sums(self):
        # 1x1, 8 x 4 x 4 x 16 to 32 channels.
        shape, tensors = [8, 4, 4, 16, 1, 1, 1, 0, 0, 4, 4, 32, 0, 1, 1, 4, 4, 1, 0, 0, 1, 0, 0], 8 * 4 * 4 * 16 + 16 * 32
        for options, accumulate, results in (("-DPASS=1", 0, 1), ("-DPASS=1", 1, 2), ("-DPASS=1 -DGRADIENT_SUMS=1", 0, 2),
                                             ("-DPASS=1 -DGRADIENT_SUMS=1 -DSIGNS_VW=4", 1, 3 + 1 / 16)):
            launch = Launch("conv_mma", "", options, [32, 1, 1], [32, 1, 1], [shape, 4096, 4096, 4096, [0, 0], [accumulate]])
            self.assertEqual(product(launch).bytes, 4 * (tensors + results * 8 * 4 * 4 * 32))

    def test_elements_of_bfloat16_are_two_bytes(self):
        # 1x1, 8 x 4 x 4 x 16 to 32 channels; partial sums and filter gradients are floats, a filter on matrix units is not.
        shape, x, y = [8, 4, 4, 16, 1, 1, 1, 0, 0, 4, 4, 32, 0, 1, 1, 4, 4, 1, 0, 0, 1, 0, 0], 8 * 4 * 4 * 16, 8 * 4 * 4 * 32
        for options, shares, moved in (("-DPASS=0", 1, 2 * (x + 16 * 32 + y)), ("-DPASS=0 -DPARTIAL=1", 3, 2 * (x + 16 * 32) + 3 * 4 * y),
                                       ("-DPASS=2", 1, 2 * (x + y) + 4 * 16 * 32)):
            launch = Launch("conv_mma", "", f"{options} -DBF16", [32, 1, shares], [32, 1, 1], [shape, 4096, 4096, 4096, [0, 0], [0]])
            self.assertEqual(product(launch).bytes, moved)
        launch = Launch("batchnorm_apply", "", "-DVW=8 -DBF16", [1], [1], [[8, 4, 4, 64, 1, 1, 0, 0, 0, 0]])
        self.assertEqual(moved_bytes(launch), 2 * 2 * 8 * 4 * 4 * 64)

    def test_what_arguments_rule_out_is_left_out(self):
        with source("a = accumulate ? b : c; if (statistics) d();") as path:
            launch = Launch("conv_tiled", path, "", [1], [1], [0] * 8 + [4096, [0]])
            with open(source_taken(launch), encoding="utf-8") as file:
                self.assertEqual(file.read(), "a = 0 ? b : c; if (statistics) d();")
            os.remove(source_taken(launch))
            launch.arguments[9] = [1]
            self.assertEqual(source_taken(launch), path)

    def test_other_kernels_move_their_buffers_once(self):
        launch = Launch("maxpool_forward", "", "-DVW=1", [1024, 1, 1], [64, 1, 1], [[8, 4, 4, 64, 3, 2, 1, 2, 2], [1], 4096, 1024])
        self.assertIsNone(product(launch))
        self.assertEqual(moved_bytes(launch), 4096 + 1024)

    def test_batch_normalisation_with_given_sums_also_masks(self):
        # 8 x 4 x 4 x 64: x, dy and dx; with a residual the signs and dz too.
        for options, tensors in (("-DVW=4 -DRESIDUAL=1 -DSIGNS=1", 3), ("-DVW=4 -DRESIDUAL=1 -DSIGNS=1 -DGIVEN_SUMS=1", 4 + 1 / 16)):
            launch = Launch("batchnorm_gradient", "", options, [1], [1], [[8, 4, 4, 64, 1, 1, 0, 0, 0, 0]])
            self.assertEqual(moved_bytes(launch), tensors * 4 * 8 * 4 * 4 * 64)

    def test_a_winograd_filter_gradient_reads_the_products_of_all_shares(self):
        # 64 x 64 channels, 5 shares of 36 positions, 9 taps.
        launch = Launch("conv_staged_dfilter", "", "-DVW=1", [4096, 1, 1], [64, 1, 1], [[4096], [5], 8192, [0], 4096, [0]])
        self.assertEqual(moved_bytes(launch), 4 * 4096 * (5 * 36 + 9))

    def test_winograd_s_outputs_read_what_they_sum(self):
        # 20 pictures of 9 tiles, 64 channels; a work-item has 4 tiles.
        shape = [20, 12, 12, 32, 12, 12, 64, 1, 180]
        for options, read in (("-DVW=1", 0), ("-DVW=1 -DGRADIENT_SUMS=1", 16)):
            arguments = [shape, [0], 8192, [0], 4096, [0], [4], [0], [0], [0, 0]]
            launch = Launch("conv_staged_outputs", "", options, [45 * 64, 1, 1], [64, 1, 1], arguments)
            self.assertEqual(moved_bytes(launch), 4 * 180 * 64 * (36 + 16 + read))

    def test_the_model_says_how_to_get_the_compilers(self):
        with tempfile.TemporaryDirectory() as nothing:
            done = subprocess.run([sys.executable, f"{ROOT}/scripts/gpu-model", "--compilers", nothing],
                                  env={**os.environ, "PATH": nothing}, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"\Agpu-model: no clang-19.*check-gpu-kernels --fetch\n\Z")


if __name__ == "__main__":
    unittest.main()
