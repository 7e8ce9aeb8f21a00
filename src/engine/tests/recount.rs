//! All counters are recomputed when a run is over, and every gauge must be 0.

use super::rig::Rig;
use crate::engine::EventKind;

/// The gauges: numbers that rise and fall.
const GAUGES: [&str; 10] = [
    "connections",
    "connections_opening",
    "streams",
    "buffers_in_use",
    "pipes_in_use",
    "listener_connections",
    "backend_current_streams",
    "backend_queue",
    "server_current_streams",
    "server_queue",
];

impl Rig {
    /// The counters are equal to what was reported.
    pub(super) fn check_counts(&self) {
        let counted = self.engine.counters();
        let reported = |is: fn(&EventKind) -> bool| {
            self.host.events.iter().filter(|event| is(&event.kind)).count() as u64
        };
        let sessions = reported(|kind| matches!(kind, EventKind::Session));
        let refusals = reported(|kind| matches!(kind, EventKind::Refused(_))) + counted.suppressed;
        let ended = counted.sessions + counted.refused + counted.monitored;
        let pipes = self.engine.tools.pipes.on_loan();
        let passed = self.engine.op_counts().passed(crate::conn::Op::AcceptSession);
        // A descriptor that the host accepted itself is reported when it ends, and not as refused.
        if sessions != counted.sessions
            || refusals > counted.refused
            || ended < counted.accepted
            || passed != counted.sessions
            || pipes != 0
        {
            self.fail(&format!(
                "{sessions} sessions and {refusals} refusals were told, {passed} operations passed, \
                 {pipes} pipes are on loan: {counted:?}"
            ));
        }
    }

    /// After the last close every gauge is 0.
    pub(super) fn check_gauges(&self) {
        let text = self.engine.metrics();
        for gauge in GAUGES.map(|name| format!("vestibule_{name}")) {
            if !text.contains(&format!("# TYPE {gauge} gauge\n")) {
                self.fail(&format!("there is no {gauge}"));
            }
            let samples = text.lines().filter_map(|line| line.rsplit_once(' '));
            for (sample, value) in samples {
                if sample.split('{').next() == Some(&*gauge) && value != "0" {
                    self.fail(&format!("{sample} is {value}"));
                }
            }
        }
    }

    /// After the last close no entry of a table is held.
    pub(super) fn check_tables(&self) {
        let now = self.world.now();
        for rules in self.rules.iter().map(|rules| rules.current()) {
            for row in rules.tables().iter().flat_map(|table| table.snapshot(now)) {
                if row.holders > 0 {
                    self.fail(&format!("an entry is held by nobody: {row}"));
                }
            }
        }
    }
}
