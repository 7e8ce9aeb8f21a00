"""What is computed from slices, and which of them do not count."""

from __future__ import annotations

import dataclasses
import sys
import tempfile
import unittest
import unittest.mock
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import figures  # noqa: E402
import machine  # noqa: E402
import report  # noqa: E402
import strace  # noqa: E402
from figures import Result, Slice  # noqa: E402
from loads import LOADS  # noqa: E402

GOOD = Slice(seconds=0.1, cpu_s=0.06, user_s=0.015, other_s=0.001)
SUMMARY = """\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 60.00    0.000300           3       100        20 recvfrom
 40.00    0.000200           2       100           close
------ ----------- ----------- --------- --------- ----------------
100.00    0.000500           2       200        20 total
"""


def result(target: str, *seconds: float) -> Result:
    slices = {number: dataclasses.replace(GOOD, cpu_s=each) for number, each in enumerate(seconds)}
    return Result(target, "connections", units=10, slices=slices)


def median(spread: figures.Spread | None) -> float:
    assert spread is not None
    return spread.median


class Figures(unittest.TestCase):
    def test_a_figure_is_for_one_unit(self) -> None:
        self.assertAlmostEqual(median(result("a", 1.0).cpu), 0.1)

    def test_the_median_does_not_heed_one_slice_that_went_wrong(self) -> None:
        self.assertAlmostEqual(median(result("a", 1.0, 9.0, 1.2).cpu), 0.12)

    def test_of_an_even_number_it_is_between_the_two_in_the_middle(self) -> None:
        self.assertAlmostEqual(median(result("a", 1.0, 2.0, 3.0, 9.0).cpu), 0.25)

    def test_half_of_the_values_lie_between_the_quartiles(self) -> None:
        spread = figures.spread([5.0, 1.0, 4.0, 2.0, 3.0])
        assert spread is not None
        self.assertEqual((spread.lower, spread.upper, spread.count), (2.0, 4.0, 5))

    def test_the_best_is_exceeded_by_nine_of_ten(self) -> None:
        spread = figures.spread(float(number) for number in range(11))
        assert spread is not None
        self.assertEqual(spread.best, 1.0)

    def test_what_is_not_the_kernel_s_is_a_share_of_the_median(self) -> None:
        self.assertAlmostEqual(result("a", 0.06, 0.06, 0.06).user or 0, 0.0015)

    def test_the_rate_is_of_the_time_that_passed(self) -> None:
        self.assertAlmostEqual(result("a", 0.06).rate or 0, 100.0)

    def test_without_a_slice_that_counts_there_is_no_figure(self) -> None:
        none = result("a")
        self.assertEqual((none.cpu, none.rate, none.user), (None, None, None))

    def test_the_best_peer_has_the_smallest_median_not_the_best_slice(self) -> None:
        steady, lucky = result("steady", 1.0, 1.0, 1.0), result("lucky", 0.5, 1.1, 1.2)
        ours = result("ours", 0.1)
        self.assertIs(figures.best_peer([ours, lucky, steady], ["steady", "lucky"]), steady)

    def test_a_peer_without_a_figure_is_not_the_best(self) -> None:
        self.assertIsNone(figures.best_peer([result("peer")], ["peer"]))

    def test_a_ratio_is_the_median_of_the_rounds_not_that_of_medians(self) -> None:
        # The machine is slower from round to round; the peer takes twice as long in each but one.
        ours, peer = result("ours", 1.0, 2.0, 3.0), result("peer", 2.0, 4.0, 30.0)
        self.assertAlmostEqual(median(figures.ratio(ours, peer)), 0.5)

    def test_a_round_in_which_one_of_them_has_no_slice_is_left_out_of_the_ratio(self) -> None:
        ours, peer = result("ours", 1.0, 1.0, 9.0), result("peer", 2.0, 2.0, 2.0)
        del ours.slices[2]
        self.assertAlmostEqual(median(figures.ratio(ours, peer)), 0.5)

    def test_a_ratio_needs_both(self) -> None:
        self.assertIsNone(figures.ratio(result("ours"), result("peer", 2.0)))
        self.assertIsNone(figures.ratio(result("ours", 1.0), None))


class Void(unittest.TestCase):
    def test_a_slice_on_a_quiet_machine_counts(self) -> None:
        self.assertEqual(figures.why_void(GOOD), "")

    def test_other_work_makes_it_void(self) -> None:
        self.assertEqual(figures.why_void(dataclasses.replace(GOOD, other_s=0.0049)), "")
        self.assertIn("other work", figures.why_void(dataclasses.replace(GOOD, other_s=0.0051)))

    def test_ports_that_wait_make_it_void(self) -> None:
        self.assertEqual(figures.why_void(dataclasses.replace(GOOD, waiting=0.04)), "")
        self.assertIn("TIME_WAIT", figures.why_void(dataclasses.replace(GOOD, waiting=0.06)))


class Processors(unittest.TestCase):
    def of(self, usable: set[int], threads: int) -> machine.Processors:
        with unittest.mock.patch("os.sched_getaffinity", return_value=usable):
            return machine.processors(threads)

    def test_a_target_has_its_own_and_the_load_the_last_of_the_others(self) -> None:
        self.assertEqual(self.of({0, 1, 2, 3}, 1), machine.Processors(frozenset({0}), frozenset({3})))
        self.assertEqual(self.of({0, 1, 2, 3}, 2), machine.Processors(frozenset({0, 1}), frozenset({2, 3})))
        self.assertFalse(self.of({0, 1}, 1).are_shared)

    def test_the_load_has_all_of_them_if_none_is_left(self) -> None:
        self.assertEqual(self.of({0, 1}, 2), machine.Processors(frozenset({0, 1}), frozenset({0, 1})))
        self.assertTrue(self.of({0}, 1).are_shared)


class Reading(unittest.TestCase):
    def test_system_calls_are_the_total_of_the_table_with_and_without_errors(self) -> None:
        self.assertEqual(strace.total(SUMMARY), 200)
        self.assertEqual(strace.total(SUMMARY.replace("        20 total", "           total")), 200)

    def test_a_bulk_load_is_counted_in_gigabytes(self) -> None:
        units = {load.name: (load.units, load.exchanges) for load in LOADS}
        for name in ("bulk-down", "bulk-up"):
            self.assertAlmostEqual(units[name][0], units[name][1] * 0.025)
        self.assertEqual(*units["connections"])


class Pages(unittest.TestCase):
    def test_a_page_gets_the_table_between_its_comments_and_keeps_the_rest(self) -> None:
        empty: report.Document = {"machine": machine.described(), "targets": [], "loads": [], "results": []}
        empty["system calls"] = {}
        with tempfile.TemporaryDirectory() as folder:
            page = Path(folder) / "page.md"
            (page.parent / "images").mkdir()
            page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nbehind\n", encoding="utf-8")
            report.write(page, empty)
            report.write(page, empty)
            written = page.read_text(encoding="utf-8")
        self.assertTrue(written.startswith("before\n") and written.endswith("\nbehind\n"))
        self.assertNotIn("old", written)
        self.assertEqual(written.count("0 of 0 were void"), 1)


if __name__ == "__main__":
    unittest.main()
