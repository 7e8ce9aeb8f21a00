"""What is computed from runs, and which of them do not count."""

from __future__ import annotations

import dataclasses
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import figures  # noqa: E402
import machine  # noqa: E402
import ports  # noqa: E402
import report  # noqa: E402
import strace  # noqa: E402
from figures import Result, Window  # noqa: E402
from loads import LOADS  # noqa: E402

GOOD = Window(
    seconds=2.0, cpu_s=1.0, user_share=0.25, busy_s=3.0, own_s=2.95, stolen_s=0.0, pace_s=(0.02, 0.021), port_search=0.01
)
SUMMARY = """\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 60.00    0.000300           3       100        20 recvfrom
 40.00    0.000200           2       100           close
------ ----------- ----------- --------- --------- ----------------
100.00    0.000500           2       200        20 total
"""


def result(target: str, *seconds: float) -> Result:
    windows = {number: dataclasses.replace(GOOD, cpu_s=each) for number, each in enumerate(seconds)}
    return Result(target, "connections", units=10, windows=windows)


class Figures(unittest.TestCase):
    def test_a_figure_is_for_one_unit(self) -> None:
        self.assertAlmostEqual(result("a", 1.0).median or 0, 0.1)

    def test_the_median_does_not_heed_one_run_that_went_wrong(self) -> None:
        self.assertAlmostEqual(result("a", 1.0, 9.0, 1.2).median or 0, 0.12)

    def test_of_an_even_number_it_is_between_the_two_in_the_middle(self) -> None:
        self.assertAlmostEqual(result("a", 1.0, 2.0, 3.0, 9.0).median or 0, 0.25)

    def test_the_best_run_is_the_cheapest(self) -> None:
        self.assertAlmostEqual(result("a", 1.0, 0.8, 1.2).best or 0, 0.08)

    def test_what_is_not_the_kernel_s_is_a_share_of_the_median(self) -> None:
        self.assertAlmostEqual(result("a", 1.0, 2.0, 3.0).user or 0, 0.05)

    def test_without_a_run_that_counts_there_is_no_figure(self) -> None:
        none = result("a")
        self.assertEqual((none.median, none.best, none.user), (None, None, None))

    def test_the_best_peer_has_the_smallest_median_not_the_best_run(self) -> None:
        steady, lucky = result("steady", 1.0, 1.0, 1.0), result("lucky", 0.5, 1.1, 1.2)
        ours = result("ours", 0.1)
        self.assertIs(figures.best_peer([ours, lucky, steady], ["steady", "lucky"]), steady)

    def test_a_peer_without_a_figure_is_not_the_best(self) -> None:
        self.assertIsNone(figures.best_peer([result("peer")], ["peer"]))

    def test_a_ratio_is_the_median_of_the_rounds_not_that_of_medians(self) -> None:
        # The machine is slower from round to round; the peer takes twice as long in each but one.
        ours, peer = result("ours", 1.0, 2.0, 3.0), result("peer", 2.0, 4.0, 30.0)
        self.assertAlmostEqual(figures.ratio(ours, peer) or 0, 0.5)

    def test_a_round_in_which_one_of_them_has_no_run_is_left_out_of_the_ratio(self) -> None:
        ours, peer = result("ours", 1.0, 1.0, 9.0), result("peer", 2.0, 2.0, 2.0)
        del ours.windows[2]
        self.assertAlmostEqual(figures.ratio(ours, peer) or 0, 0.5)

    def test_a_ratio_needs_both(self) -> None:
        peer = result("peer", 2.0)
        self.assertAlmostEqual(figures.ratio(result("ours", 1.0), peer) or 0, 0.5)
        self.assertIsNone(figures.ratio(result("ours"), peer))
        self.assertIsNone(figures.ratio(result("ours", 1.0), None))


class Void(unittest.TestCase):
    def why(self, **changed: float | None) -> str:
        return figures.why_void(dataclasses.replace(GOOD, **changed))  # type: ignore[arg-type]

    def test_a_run_on_a_quiet_machine_counts(self) -> None:
        self.assertEqual(self.why(), "")

    def test_other_work_makes_it_void(self) -> None:
        self.assertEqual(self.why(busy_s=3.14), "")
        self.assertIn("other work", self.why(busy_s=3.16))

    def test_what_the_host_of_the_machine_takes_makes_it_void(self) -> None:
        self.assertIn("the host", self.why(stolen_s=0.21))

    def test_a_processor_that_changes_its_pace_makes_it_void(self) -> None:
        self.assertIn("changed", figures.why_void(dataclasses.replace(GOOD, pace_s=(0.02, 0.03))))
        self.assertIn("changed", figures.why_void(dataclasses.replace(GOOD, pace_s=(0.03, 0.02))))

    def test_a_pace_other_than_that_of_the_round_makes_it_void(self) -> None:
        self.assertEqual(figures.why_void(GOOD, 0.0205), "")
        self.assertIn("round", figures.why_void(GOOD, 0.03))
        self.assertIn("round", figures.why_void(GOOD, 0.015))

    def test_samples_in_the_port_search_make_it_void(self) -> None:
        self.assertEqual(self.why(port_search=0.05), "")
        self.assertIn("port search", self.why(port_search=0.06))

    def test_ports_that_wait_make_it_void_where_nothing_was_sampled(self) -> None:
        self.assertEqual(self.why(waiting=0.9), "")
        self.assertIn("TIME_WAIT", self.why(waiting=0.9, port_search=None))

    def test_clocks_that_are_read_one_after_the_other_make_no_negative_work(self) -> None:
        self.assertEqual(dataclasses.replace(GOOD, own_s=3.5).other_s, 0.0)


class Reading(unittest.TestCase):
    def test_samples_are_counted_by_the_names_of_functions(self) -> None:
        self.assertEqual(ports.share_of_search("__inet_hash_connect\ntcp_ack\n\n tcp_ack\nfib_lookup\n"), 0.25)
        self.assertEqual(ports.share_of_search(""), 0.0)

    def test_system_calls_are_the_total_of_the_table_with_and_without_errors(self) -> None:
        self.assertEqual(strace.total(SUMMARY), 200)
        self.assertEqual(strace.total(SUMMARY.replace("        20 total", "           total")), 200)

    def test_a_bulk_load_is_counted_in_gigabytes(self) -> None:
        units = {load.name: load.units(80) for load in LOADS}
        self.assertEqual((units["connections"], units["bulk-down"], units["bulk-up"]), (80, 2.0, 2.0))


class Pages(unittest.TestCase):
    def test_a_page_gets_the_table_between_its_comments_and_keeps_the_rest(self) -> None:
        empty: report.Document = {"machine": machine.described(), "rounds": 1, "port search": "perf"}
        empty.update({"targets": [], "loads": [], "results": [], "system calls": {}})
        with tempfile.TemporaryDirectory() as folder:
            page = Path(folder) / "page.md"
            (page.parent / "images").mkdir()
            page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nbehind\n", encoding="utf-8")
            report.write(page, empty)
            report.write(page, empty)
            written = page.read_text(encoding="utf-8")
        self.assertTrue(written.startswith("before\n") and written.endswith("\nbehind\n"))
        self.assertNotIn("old", written)
        self.assertEqual(written.count("0 of 0 runs were void"), 1)


if __name__ == "__main__":
    unittest.main()
