"""What the comparison of the binary interface finds, and what it lets pass."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import abi  # noqa: E402


def interface(**changed: str) -> abi.Interface:
    """A struct that says its size, one that does not, a constant and a function, with changes."""
    whole = {
        "constant VST_A": "1",
        "struct vst_sized": "0 8",
        "field vst_sized.size": "0 4 uint32_t",
        "field vst_sized.flags": "4 4 uint32_t",
        "struct vst_plain": "0 4",
        "field vst_plain.x": "0 4 uint32_t",
        "function vst_f": "vst_status (uint32_t x)",
    }
    whole.update({name.replace("__", " ").replace("_OF_", "."): value for name, value in changed.items()})
    return {name: value for name, value in whole.items() if value}


class Differences(unittest.TestCase):
    def breaks(self, **changed: str) -> int:
        return len(list(abi.differences(interface(), interface(**changed))))

    def test_the_same_interface_breaks_nothing(self) -> None:
        self.assertEqual(self.breaks(), 0)

    def test_a_struct_that_says_its_size_may_grow_at_its_end(self) -> None:
        self.assertEqual(self.breaks(struct__vst_sized="0 16", field__vst_sized_OF_more="8 8 uint64_t"), 0)

    def test_a_struct_that_does_not_may_not(self) -> None:
        self.assertEqual(self.breaks(struct__vst_plain="0 8"), 1)

    def test_what_moved_changed_its_type_or_is_gone_breaks_programs(self) -> None:
        self.assertEqual(self.breaks(field__vst_sized_OF_flags="8 4 uint32_t"), 1)
        self.assertEqual(self.breaks(field__vst_sized_OF_flags="4 4 int32_t"), 1)
        self.assertEqual(self.breaks(function__vst_f="vst_status (uint64_t x)"), 1)
        self.assertEqual(self.breaks(constant__VST_A="2"), 1)
        self.assertEqual(self.breaks(function__vst_f=""), 1)

    def test_an_addition_has_to_be_in_the_change_log(self) -> None:
        added = abi.additions(interface(), interface(function__vst_engine_new="x", function__vst_nosuch="x"))
        self.assertEqual(added, ["vst_engine_new", "vst_nosuch"])
        self.assertEqual(len(list(abi.silent(["vst_nosuch"]))), 1)
        self.assertEqual(list(abi.silent(["vst_engine_drain"])), [])


if __name__ == "__main__":
    unittest.main()
