//! The bounds, over a kernel that is a table: what is named, and what is not.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::clock::{AHEAD, BACK, BEHIND, DEADLINE_LATE};
use super::descriptors::*;
use super::neglect::{BATCH_SPAN, NEGLECT_CALLS, NEGLECT_SPAN};
use super::sessions::{ANSWER_SPAN, LEFT_SPAN};
use super::statuses::ERROR_TIMES;
use super::*;
use crate::ffi::status::*;
use crate::id::Kind;
use crate::slab::Key;
use crate::sys::{FdCondition, FileId};
use crate::time::MILLISECOND;

/// A descriptor of the table: its file, and whether it is readable, writable and ended.
type Row = (u64, [bool; 3]);

/// The kernel of a test.
#[derive(Clone, Debug, Default)]
struct Table {
    rows: Arc<Mutex<BTreeMap<i32, Row>>>,
    now: Arc<Mutex<Time>>,
}

impl Table {
    fn set(&self, fd: i32, file: u64, is: [bool; 3]) {
        self.rows.lock().expect("one thread").insert(fd, (file, is));
    }

    fn close(&self, fd: i32) {
        self.rows.lock().expect("one thread").remove(&fd);
    }

    fn row(&self, fd: Fd) -> Option<Row> {
        self.rows.lock().expect("one thread").get(&fd.0).copied()
    }
}

impl Inspection for Table {
    fn conditions(&self, list: &mut [FdCondition]) {
        for one in list {
            let (_, [readable, writable, ended]) = self.row(one.fd).unwrap_or_default();
            one.readable &= readable;
            one.writable &= writable;
            one.ended = ended;
        }
    }

    fn file_id(&self, fd: Fd) -> Option<FileId> {
        self.row(fd).map(|(number, _)| FileId { device: 8, number })
    }

    fn unread(&self, _: Fd) -> usize {
        0
    }

    fn monotonic(&self) -> Time {
        *self.now.lock().expect("one thread")
    }
}

const FD: i32 = 7;
const START: Time = Time(1_000 * SECOND);

/// A host with one readable descriptor that was announced with this mask.
struct Host {
    table: Table,
    cx: Circumstances,
    descriptors: Announced,
    token: Id,
}

impl Host {
    fn new(mask: Io) -> Self {
        let table = Table::default();
        table.set(FD, 1, [true, false, false]);
        let cx = Circumstances::new(START, Box::new(table.clone()));
        let token = Id::new(Kind::ConnFd, 1, Key { generation: 1, slot: 3 });
        let mut host = Self { table, cx, descriptors: Announced::default(), token };
        host.interest(mask);
        host
    }

    fn interest(&mut self, mask: Io) {
        self.descriptors.announce(&mut self.cx, Fd(FD), self.token, mask);
    }

    fn look(&mut self, ns: u64) {
        self.cx.now = self.cx.now + ns;
        self.cx.polls += 2;
        self.descriptors.look(&mut self.cx);
    }

    fn hand_in(&mut self, events: Io) {
        let handle = Handle::Token(self.token.bits());
        self.descriptors.handed_in(&mut self.cx, handle, events, |_| 0);
    }

    fn said(&mut self) -> Vec<String> {
        self.cx.log.take()
    }

    #[track_caller]
    fn says(&mut self, beginning: &str) {
        let said = self.said();
        assert!(matches!(&said[..], [one] if one.contains(beginning)), "{beginning}: {said:?}");
    }

    #[track_caller]
    fn is_silent(&mut self) {
        assert_eq!(self.said(), [""; 0]);
    }
}

fn circumstances() -> (Table, Circumstances) {
    let table = Table::default();
    *table.now.lock().expect("one thread") = START;
    let cx = Circumstances::new(START, Box::new(table.clone()));
    (table, cx)
}

#[test]
fn a_ready_descriptor_is_named_after_its_bound_and_not_before() {
    let mut host = Host::new(Io::IN);
    host.look(SECOND);
    host.look(READY_SPAN - 1);
    host.is_silent();
    host.look(1);
    host.says("descriptor 7 (token 0x4001000001000003) has been readable for 2.0 s");
}

#[test]
fn a_host_that_does_not_poll_is_not_blamed_for_what_it_could_not_see() {
    let mut host = Host::new(Io::IN);
    host.look(SECOND);
    let polls = host.cx.polls;
    for _ in 0..60 {
        host.cx.polls = polls + READY_POLLS - 3;
        host.look(SECOND);
        host.is_silent();
    }
    host.look(SECOND);
    host.says("its readiness was never handed in");
}

#[test]
fn readiness_that_comes_at_last_is_no_violation() {
    let mut host = Host::new(Io::IN);
    for _ in 0..20 {
        host.look(SECOND);
        host.look(SECOND);
        host.hand_in(Io::IN);
    }
    host.is_silent();
    host.look(SECOND);
    host.look(SECOND);
    host.look(READY_SPAN);
    host.says("since its last readiness");
}

#[test]
fn what_is_not_asked_for_may_be_ready() {
    for mask in [Io::empty(), Io::OUT, Io::HANGUP] {
        let mut host = Host::new(mask);
        for _ in 0..20 {
            host.look(SECOND);
        }
        host.is_silent();
    }
    let edge = Io::BOTH | Io::HANGUP | Io::EDGE;
    let mut host = Host::new(edge);
    host.hand_in(Io::OUT);
    for _ in 0..20 {
        host.look(SECOND);
    }
    host.is_silent();
}

#[test]
fn a_mask_that_changes_begins_anew() {
    let mut host = Host::new(Io::IN);
    for _ in 0..20 {
        host.look(SECOND);
        host.look(SECOND);
        host.interest(Io::empty());
        host.interest(Io::IN);
    }
    host.is_silent();
}

#[test]
fn a_token_may_be_late_for_a_second_or_late_once() {
    let mut host = Host::new(Io::IN);
    host.interest(Io::RELEASED | Io::CLOSING);
    for _ in 0..100 {
        host.hand_in(Io::IN);
    }
    host.cx.now = host.cx.now + RELEASE_SPAN + 1;
    for _ in 1..RELEASE_TIMES {
        host.hand_in(Io::IN);
    }
    host.is_silent();
    host.hand_in(Io::IN);
    host.says("was handed in 1.0 s after its release");
}

#[test]
fn a_number_that_is_used_again_is_told_from_one_that_is_closed() {
    let mut host = Host::new(Io::IN);
    host.table.set(FD, 2, [false; 3]);
    host.interest(Io::IN | Io::OUT);
    host.says("is another file than the one that was announced");
    let mut host = Host::new(Io::IN);
    host.table.close(FD);
    host.interest(Io::RELEASED | Io::CLOSING);
    host.says("was closed by somebody else");
}

#[test]
fn a_number_that_was_released_may_be_used_again() {
    let mut host = Host::new(Io::IN);
    host.interest(Io::RELEASED | Io::CLOSING);
    host.table.set(FD, 2, [false; 3]);
    host.token = Id::new(Kind::ConnFd, 1, Key { generation: 2, slot: 3 });
    host.interest(Io::IN);
    host.look(SECOND);
    host.hand_in(Io::IN);
    host.is_silent();
}

#[test]
fn a_hangup_is_believed_if_the_kernel_says_so() {
    let mut host = Host::new(Io::IN);
    host.hand_in(Io::HANGUP | Io::ERROR);
    host.is_silent();
    host.hand_in(Io::HANGUP);
    host.says("was handed in with VST_IO_HANGUP, and its peer has not ended its side");
    host.table.set(FD, 1, [true, false, true]);
    host.cx.now = host.cx.now + SECOND;
    host.hand_in(Io::HANGUP);
    host.is_silent();
}

#[test]
fn readiness_is_spurious_a_few_times_and_then_named() {
    let mut host = Host::new(Io::IN);
    host.cx.now = host.cx.now + FOREIGN_SPAN;
    for _ in 0..10 {
        for _ in 1..FOREIGN_TIMES {
            host.hand_in(Io::OUT);
        }
        host.hand_in(Io::IN);
        host.hand_in(Io::OUT | Io::ERROR);
    }
    host.is_silent();
    for _ in 0..FOREIGN_TIMES {
        host.hand_in(Io::OUT);
    }
    host.says("and its mask is VST_IO_IN");
}

#[test]
fn the_same_readiness_counts_while_nothing_moves() {
    let mut host = Host::new(Io::BOTH | Io::EDGE);
    let handle = Handle::Token(host.token.bits());
    for moved in 0..2 * u64::from(SAME_TIMES) {
        host.descriptors.handed_in(&mut host.cx, handle, Io::IN, |_| moved);
    }
    host.is_silent();
    for _ in 0..SAME_TIMES {
        host.hand_in(Io::OUT);
    }
    host.says("was handed in 1000 times in a row with VST_IO_OUT");
}

#[test]
fn times_are_held_against_the_system_s_clock_and_against_each_other() {
    let said = |is_own: bool, times: &[Time]| {
        let (_, mut cx) = circumstances();
        let mut clock = Times::new(is_own);
        times.iter().for_each(|time| clock.told(&mut cx, time.0));
        cx.log.take()
    };
    for right in [&[START, START + AHEAD][..], &[START, START - BACK], &[START - BEHIND]] {
        assert_eq!(said(false, right), [""; 0]);
    }
    assert!(
        said(false, &[START + AHEAD + MILLISECOND])[0].contains("0.1 s ahead of CLOCK_MONOTONIC")
    );
    assert!(said(false, &[START - BEHIND - 1])[0].contains("10.0 s behind CLOCK_MONOTONIC"));
    assert_eq!(said(true, &[Time(1), START + BEHIND, START + 2 * BEHIND]), [""; 0]);
    assert!(
        said(true, &[START, START - BACK - 1])[0].contains("1.0 s before that of the last one")
    );
    assert!(said(true, &[Time(0)])[0].contains("the time 0"));
    assert_eq!(said(false, &[Time(0)]), [""; 0]);
}

#[test]
fn a_deadline_counts_from_when_it_was_told_and_only_while_it_stands() {
    let late = START + DEADLINE_LATE + 1;
    let said = |told, next, now| {
        let (_, mut cx) = circumstances();
        let mut clock = Times::new(true);
        clock.ends(told);
        clock.begins(&mut cx, now, next);
        cx.log.take().len()
    };
    assert_eq!(said(Some(START), Some(START), late), 1);
    assert_eq!(said(Some(START), Some(START), START + DEADLINE_LATE), 0);
    assert_eq!(said(Some(START), None, late), 0, "what it was of is gone");
    assert_eq!(said(Some(START), Some(late), late), 0, "it was moved");
    assert_eq!(said(Some(late), Some(START), late), 0, "it moved earlier, and nobody was told");
    assert_eq!(said(None, Some(START), late), 0);
}

#[test]
fn calls_are_missed_when_time_passes_and_others_come() {
    let due = WhatIsDue { runnable: true, events: false, asks: false, batch: true };
    let (_, mut cx) = circumstances();
    let mut neglect = Neglect::new();
    for _ in 0..2 * NEGLECT_CALLS {
        neglect.look(&mut cx, due);
    }
    cx.now = START + NEGLECT_SPAN;
    neglect.look(&mut cx, due);
    neglect.run.done();
    cx.now = START + 2 * NEGLECT_SPAN;
    neglect.look(&mut cx, due);
    cx.now = START + BATCH_SPAN;
    for _ in 1..NEGLECT_CALLS {
        neglect.look(&mut cx, due);
    }
    assert_eq!(cx.log.take(), [""; 0]);
    neglect.look(&mut cx, due);
    assert!(
        cx.log.take()[0].starts_with("the engine has been RUNNABLE for 6.0 s and 101 drive calls")
    );
    cx.now = cx.now + 1;
    neglect.look(&mut cx, due);
    assert!(cx.log.take()[0].starts_with("a batch has been open for 10.0 s"));
}

#[test]
fn tasks_are_open_until_something_is_done_or_they_are_gone() {
    for (task, most) in
        [(Task::Read, LEFT_SPAN), (Task::Write, LEFT_SPAN), (Task::Answer(1), ANSWER_SPAN)]
    {
        let said = |progress: [Option<u64>; 2]| {
            let (_, mut cx) = circumstances();
            let mut tasks = Tasks::default();
            tasks.add(START, 5, task);
            cx.now = START + most;
            tasks.look(&mut cx, |_, _| progress[0]);
            cx.now = cx.now + 1;
            tasks.look(&mut cx, |_, _| progress[1]);
            cx.now = cx.now + most;
            tasks.look(&mut cx, |_, _| progress[1]);
            cx.log.take().len()
        };
        assert_eq!(said([Some(3), Some(3)]), 1, "{task:?}");
        assert_eq!(said([Some(3), Some(4)]), 0, "{task:?}");
        assert_eq!(said([Some(3), None]), 0, "{task:?}");
    }
}

#[test]
fn a_status_is_ignored_when_it_comes_again_and_again_and_is_an_error() {
    let said = |statuses: &[vst_status]| {
        let (_, mut cx) = circumstances();
        let mut notes = Statuses::default();
        for _ in 0..ERROR_TIMES {
            statuses.iter().for_each(|status| notes.look(&mut cx, *status));
        }
        cx.log.take().len()
    };
    assert_eq!(said(&[VST_E_MODE]), 1);
    for silent in [&[VST_OK][..], &[VST_E_STALE], &[VST_E_MODE, VST_OK], &[VST_E_MODE, VST_E_KIND]]
    {
        assert_eq!(said(silent), 0, "{silent:?}");
    }
}

#[test]
fn one_kind_is_reported_once_a_second_with_how_many_were_not() {
    let (_, mut cx) = circumstances();
    for _ in 0..3 {
        cx.report(Violation::NoTime, &[]);
    }
    cx.report(Violation::Forked, &[]);
    assert_eq!(cx.log.take().len(), 2);
    cx.now = START + SECOND;
    cx.report(Violation::NoTime, &[]);
    assert!(cx.log.take()[0].ends_with(" (2 more of this kind before)"));
    cx.now = START + 2 * SECOND;
    cx.report(Violation::NoTime, &[]);
    assert!(cx.log.take()[0].ends_with("own clock"));
}

#[test]
fn bits_have_the_names_that_pollers_give_them() {
    let names = |bits| text::PollerBits(bits).to_string();
    assert_eq!(names(0x2001), "EPOLLRDHUP (0x2000)");
    assert_eq!(names(0x8000_0014), "EPOLLHUP (0x10)|EPOLLET (0x80000000)");
    assert_eq!(names(0x4000_0000 | 0x800), "EPOLLONESHOT (0x40000000)|0x800");
    assert_eq!(text::Mask(Io::IN | Io::EDGE).to_string(), "VST_IO_IN|VST_IO_EDGE");
    assert_eq!(text::Mask(Io::empty()).to_string(), "0");
}

// An interpreter would read the page for minutes.
#[cfg(not(miri))]
#[test]
fn the_page_of_the_contract_has_every_sentence_and_no_other() {
    let page = include_str!("../../../docs/host-contract.md");
    let (_, after) = page.split_once("\n## What the checker says\n").expect("the section");
    let section = after.split("\n## ").next().unwrap_or_default();
    // A row: the bound, then the sentence.
    let rows = section.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let listed: Vec<&str> = rows.filter_map(|row| Some(row.split_once(" | ")?.1)).skip(1).collect();
    let sentences: Vec<&str> = Violation::ALL.iter().map(|one| one.sentence()).collect();
    assert_eq!(listed, sentences);
}
