"""What scripts/gpu_build_here.sh lets into its folder (scripts/gpu/bundle.py)."""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "gpu"))
import bundle

DISASSEMBLY = """
0000000000001000 <_ZN7bellman3cpu5denseEv>:
    1000:\tpush   %rbp
    1001:\tverw   0x10(%rax)
    1004:\tmovaps %xmm0,%xmm1
    1008:\ttzcnt  %eax,%eax
{more}
""".lstrip("\n")


SYMBOLS = """
0000000000000000 l    df *ABS*  0000000000000000              dense.cpp
0000000000001000 l     F .text  0000000000000010              _ZN12_GLOBAL__N_14tileEv
0000000000000000 l    df *ABS*  0000000000000000              kernels_avx512.cpp
0000000000002000 l     F .text  0000000000000010              _ZN12_GLOBAL__N_14tileEv
0000000000003000 l     O .data  0000000000000010              _ZL5table
0000000000000000 l    df *ABS*  0000000000000000              relu.cpp
0000000000004000 l     F .text  0000000000000010              _ZN12_GLOBAL__N_14tileEv
0000000000005000  w    F .text  0000000000000010              _ZNSt6vectorIfE7reserveEm
0000000000006000 g     F .text  0000000000000010              _ZN7bellman3cpu6chooseEv
"""


class Instructions(unittest.TestCase):
    def found(self, more, chosen=frozenset()):
        return dict(bundle.instructions_beyond(DISASSEMBLY.format(more=more).splitlines(keepends=True), chosen))

    def test_of_every_processor(self):
        self.assertEqual(self.found(""), {})

    def test_beyond_are_found_with_their_function(self):
        for instruction in ("vmovups (%rdi),%zmm0", "vaddps %xmm0,%xmm1,%xmm1", "vfmadd231ps %ymm0,%ymm1,%ymm2", "vzeroupper",
                            "mulx   %rax,%rcx,%rdx", "andn   %eax,%ebx,%ecx", "blsr   %eax,%eax"):
            mnemonic = instruction.split()[0]
            self.assertEqual(self.found(f"    1010:\t{instruction}"), {"_ZN7bellman3cpu5denseEv": {mnemonic}})

    def test_the_kernels_that_the_processor_chooses_may_have_them(self):
        chosen = bundle.chosen_functions(SYMBOLS.splitlines())
        self.assertEqual(chosen, {0x2000})  # not those of the same name in other files, nor what others can call
        tile = "0000000000002000 <_ZN12_GLOBAL__N_14tileEv>:\n    2000:\tvmovups (%rdi),%zmm0"
        self.assertEqual(self.found(tile, chosen), {})
        self.assertEqual(list(self.found(tile)), ["_ZN12_GLOBAL__N_14tileEv"])
        self.assertEqual(list(self.found(tile.replace("2000", "5000"), chosen)), ["_ZN12_GLOBAL__N_14tileEv"])


class Programs(unittest.TestCase):
    """Small ones, of the machine's own compiler."""

    def setUp(self):
        if not all(map(shutil.which, ("cc", "objdump", "strip", "ldd"))):
            self.skipTest("there is no C compiler, or no binutils")
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.place = pathlib.Path(place.name).resolve()
        (self.place / "bin").mkdir()
        (self.place / "lib/for_sanitizers").mkdir(parents=True)
        self.compile("bin/one", "int main(void) { return 0; }")
        for library in ("lib/libbellman_cuda.so", "lib/for_sanitizers/libbellman_cuda.so"):
            self.compile(library, "int plugin(void) { return 1; }", "-shared", "-fPIC")

    def compile(self, name, text, *options):
        source = self.place / "source.c"
        source.write_text(text)
        subprocess.run(["cc", "-O1", *options, source, "-o", self.place / name], check=True)

    def bundle(self, code=0):
        done = subprocess.run([sys.executable, ROOT / "scripts/gpu/bundle.py", "--build", self.place, "--out", self.place / "out",
                               "--architecture", "90", "one"], capture_output=True, text=True)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertFalse((self.place / "out.part").exists())
        return done.stderr

    @unittest.skipUnless(shutil.which("nvcc"), "there is no nvcc, whose version the manifest names")
    def test_a_portable_one_is_stripped_and_described(self):
        self.bundle()
        out = self.place / "out"
        self.assertEqual(subprocess.run([out / "bin/one"]).returncode, 0)
        self.assertLess((out / "bin/one").stat().st_size, (self.place / "bin/one").stat().st_size)
        self.assertTrue((out / "tests/data/golden_ops.json").is_file())
        self.assertTrue((out / "lib/for_sanitizers/libbellman_cuda.so").is_file())
        manifest = json.loads((out / "manifest.json").read_text())
        self.assertEqual(manifest["architecture"], "sm_90")
        self.assertRegex(manifest["least_glibc"], r"^2\.\d+$")
        self.assertLess(manifest["bytes"], bundle.MOST_BYTES)

    def test_what_is_not_portable_leaves_nothing(self):
        for text, said in (('int main(void) { __asm__("vzeroupper"); return 0; }', "one: 1 functions have instructions"),
                           (f'const char* path(void) {{ return "{ROOT}/tests/data"; }} int main(void) {{ return path()[0] == 1; }}',
                            f"names a place on this machine: {ROOT}/tests/data")):
            self.compile("bin/one", text)
            self.assertIn(said, self.bundle(code=2))
            self.assertFalse((self.place / "out").exists())
        (self.place / "bin/one").unlink()
        self.bundle(code=2)


if __name__ == "__main__":
    unittest.main()
