//! The numbers of all members of a group. Those of another member can be read in its thread alone: it is
//! asked, and the answer is made when all have told theirs or the time for that is over.

use std::sync::Arc;

use super::Engine;
use super::metrics::{response_of, text_of};
use crate::group::MetricsSnapshot;
use crate::slab::Key;
use crate::sys::Net;
use crate::time::{SECOND, Time};

/// How long the numbers of the others are waited for. After that the last that they told count.
const ANSWER_WAIT: u64 = SECOND;

/// Who waits for the numbers of the group.
#[derive(Default)]
pub(super) struct MetricsOfGroup {
    /// Whether the others are asked.
    is_asked: bool,
    /// Whether the host has asked for the text.
    wants_text: bool,
    /// The text that the host has asked for and not fetched yet.
    text: Option<String>,
    /// Whether the host is to hear that there is the text.
    is_news: bool,
    /// Monitors that wait for it as an answer.
    monitors: Vec<Key>,
}

impl<N: Net> Engine<N> {
    /// Everything that the engine and the other members of its group count. `None` while the others are
    /// asked: [`take_metrics_news`](Self::take_metrics_news) tells when to call it again. The same text
    /// is returned until it [is fetched](Self::metrics_fetched).
    pub(crate) fn metrics_of_group(&mut self) -> Option<String> {
        let Some(membership) = self.tools.membership.as_deref_mut() else {
            return Some(self.metrics());
        };
        if let Some(text) = &membership.metrics.text {
            return Some(text.clone());
        }
        membership.metrics.wants_text = true;
        let others = self.ask_members()?;
        Some(self.sum(&others))
    }

    /// The host has the text.
    pub(crate) fn metrics_fetched(&mut self) {
        if let Some(membership) = self.tools.membership.as_deref_mut() {
            let metrics = &mut membership.metrics;
            (metrics.text, metrics.is_news) = (None, false);
        }
    }

    /// Whether the text that the host has asked for is there since the last call.
    pub(crate) fn take_metrics_news(&mut self) -> bool {
        let membership = self.tools.membership.as_deref_mut();
        membership.is_some_and(|membership| std::mem::take(&mut membership.metrics.is_news))
    }

    /// Whether it would.
    pub(crate) fn has_metrics_news(&self) -> bool {
        self.tools.membership.as_deref().is_some_and(|membership| membership.metrics.is_news)
    }

    /// The metrics as a response for a monitor. `None` while the others are asked: then the monitor gets it
    /// when all have told.
    pub(super) fn metrics_response(&mut self, monitor: Key) -> Option<String> {
        let Some(membership) = self.tools.membership.as_deref_mut() else {
            return Some(response_of(&self.metrics()));
        };
        let monitors = &mut membership.metrics.monitors;
        if !monitors.contains(&monitor) {
            monitors.push(monitor);
        }
        let others = self.ask_members()?;
        let response = response_of(&self.sum(&others));
        if let Some(membership) = self.tools.membership.as_deref_mut() {
            membership.metrics.monitors.retain(|waiting| *waiting != monitor);
        }
        Some(response)
    }

    /// Asks the other members, unless they are asked already. Their snapshots are there at once where there
    /// are no others.
    fn ask_members(&mut self) -> Option<Vec<Arc<MetricsSnapshot>>> {
        let until = self.tools.now + ANSWER_WAIT;
        let membership = self.tools.membership.as_deref_mut()?;
        if membership.metrics.is_asked {
            return None;
        }
        membership.group.metrics.ask(membership.number);
        if let Some(others) = membership.group.metrics.collect(membership.number) {
            membership.metrics.wants_text = false;
            return Some(others);
        }
        (membership.metrics.is_asked, membership.wakes_all) = (true, true);
        self.tools.timers.set(membership.timer, until);
        None
    }

    /// Tells the other members its numbers if they have asked, and answers if they have told theirs.
    pub(super) fn tell_metrics(&mut self) {
        let Some(membership) = self.tools.membership.as_deref() else { return };
        if let Some(round) = membership.group.metrics.wanted(membership.number) {
            let snapshot = self.snapshot();
            let Some(membership) = self.tools.membership.as_deref_mut() else { return };
            let done = membership.group.metrics.publish(membership.number, round, snapshot);
            membership.wakes.extend(done);
        }
        let Some(membership) = self.tools.membership.as_deref() else { return };
        if let Some(others) = membership.group.metrics.collect(membership.number) {
            self.answer_metrics(&others);
        }
    }

    /// The time for the numbers of the others is over.
    pub(super) fn group_deadline(&mut self) {
        let Some(membership) = self.tools.membership.as_deref() else { return };
        let others = membership.group.metrics.give_up(membership.number);
        self.answer_metrics(&others);
    }

    /// Gives those who wait the numbers of all.
    fn answer_metrics(&mut self, others: &[Arc<MetricsSnapshot>]) {
        let text = self.sum(others);
        let response = response_of(&text);
        let Some(membership) = self.tools.membership.as_deref_mut() else { return };
        self.tools.timers.set(membership.timer, Time::NEVER);
        let metrics = &mut membership.metrics;
        metrics.is_asked = false;
        if std::mem::take(&mut metrics.wants_text) {
            (metrics.text, metrics.is_news) = (Some(text), true);
        }
        for monitor in std::mem::take(&mut metrics.monitors) {
            self.answer_monitor(monitor, response.as_bytes());
            self.work(monitor);
        }
    }

    /// The numbers of this engine, of others, and of members that are gone.
    fn sum(&self, others: &[Arc<MetricsSnapshot>]) -> String {
        let mut all = self.snapshot();
        for other in others {
            all.add(other);
        }
        if let Some(membership) = self.tools.membership.as_deref() {
            membership.group.add_departed(&mut all);
        }
        text_of(all)
    }
}
