//! The states of one side of a stream, and every transition between them, in one table.

use std::fmt;

macro_rules! states {
    ($($(#[doc = $doc:literal])+ $state:ident = $name:literal;)+) => {
        /// The state of one side of a stream.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum InterfaceState { $($(#[doc = $doc])+ $state),+ }

        impl InterfaceState {
            /// Every state.
            pub const ALL: &'static [Self] = &[$(Self::$state),+];

            /// The name, as it is printed.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$state => $name),+ }
            }

            /// What the state means, in one sentence.
            #[must_use]
            pub const fn doc(self) -> &'static str {
                match self { $(Self::$state => concat!($($doc),+).trim_ascii()),+ }
            }
        }
    };
}

states! {
    /// Nothing has begun.
    Ini = "INI";
    /// A server has to be selected.
    Req = "REQ";
    /// Every server that may be used is full: the stream waits in a queue.
    Que = "QUE";
    /// An attempt failed: the stream pauses before the next one.
    Tar = "TAR";
    /// A server is assigned, and the stream holds one of its slots.
    Ass = "ASS";
    /// The connection to the server is being opened, handshakes included.
    Con = "CON";
    /// The attempt failed: the next step is being decided.
    Cer = "CER";
    /// The connection is open: bytes may be relayed.
    Est = "EST";
    /// The connection is closing.
    Dis = "DIS";
    /// There is no connection any more.
    Clo = "CLO";
}

macro_rules! moves {
    ($($event:ident, $doc:literal: $($from:ident)+ => $to:ident;)+) => {
        /// What changes the state of one side of a stream.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum InterfaceEvent { $(#[doc = $doc] $event),+ }

        impl InterfaceEvent {
            /// Every event.
            #[cfg(test)]
            pub(crate) const ALL: &'static [Self] = &[$(Self::$event),+];

            /// What the event is, in a few words.
            #[cfg(test)]
            #[must_use]
            pub(crate) const fn doc(self) -> &'static str {
                match self { $(Self::$event => $doc),+ }
            }
        }

        impl InterfaceState {
            /// The state after `event`; `None` if the event cannot occur in this state.
            #[must_use]
            pub(crate) const fn after(self, event: InterfaceEvent) -> Option<Self> {
                match (event, self) {
                    $((InterfaceEvent::$event, $(Self::$from)|+) => Some(Self::$to),)+
                    _ => None,
                }
            }
        }
    };
}

moves! {
    Join, "an open connection takes the side": Ini => Est;
    Dial, "a connection that is on its way takes the side": Ini Ass => Con;
    Ask, "a server is asked for": Ini Cer Tar => Req;
    Wait, "none has a place free": Req => Que;
    Assign, "a place is taken": Req Que => Ass;
    Open, "the connection is open": Con => Est;
    Fail, "the attempt fails": Ass Con => Cer;
    Pause, "the next attempt is put off": Cer => Tar;
    GiveUp, "no server will be asked any more": Req Que Tar Cer => Clo;
    Leave, "the connection begins to close": Con Est => Dis;
    Gone, "the connection is gone": Dis => Clo;
}

impl InterfaceState {
    /// Whether no connection has the side yet, but one is wanted.
    #[must_use]
    pub const fn is_seeking(self) -> bool {
        matches!(self, Self::Req | Self::Que | Self::Tar | Self::Ass | Self::Cer)
    }
}

impl fmt::Display for InterfaceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The transitions, written out a second time: a row for each state, a column for each event in
    /// their order.
    const PLAIN: [(&str, [&str; 11]); 10] = [
        ("INI", ["EST", "CON", "REQ", "", "", "", "", "", "", "", ""]),
        ("REQ", ["", "", "", "QUE", "ASS", "", "", "", "CLO", "", ""]),
        ("QUE", ["", "", "", "", "ASS", "", "", "", "CLO", "", ""]),
        ("TAR", ["", "", "REQ", "", "", "", "", "", "CLO", "", ""]),
        ("ASS", ["", "CON", "", "", "", "", "CER", "", "", "", ""]),
        ("CON", ["", "", "", "", "", "EST", "CER", "", "", "DIS", ""]),
        ("CER", ["", "", "REQ", "", "", "", "", "TAR", "CLO", "", ""]),
        ("EST", ["", "", "", "", "", "", "", "", "", "DIS", ""]),
        ("DIS", ["", "", "", "", "", "", "", "", "", "", "CLO"]),
        ("CLO", ["", "", "", "", "", "", "", "", "", "", ""]),
    ];

    #[test]
    fn every_state_meets_every_event_as_the_plain_table_says() {
        assert_eq!(InterfaceState::ALL.len(), PLAIN.len());
        for (state, (name, row)) in InterfaceState::ALL.iter().zip(PLAIN) {
            assert_eq!(state.name(), name);
            assert_eq!(row.len(), InterfaceEvent::ALL.len());
            for (event, expected) in InterfaceEvent::ALL.iter().zip(row) {
                let after = state.after(*event).map_or("", InterfaceState::name);
                assert_eq!(after, expected, "{state} {event:?}");
            }
        }
    }

    #[test]
    fn from_every_state_the_end_can_be_reached_and_from_the_beginning_every_state() {
        for &from in InterfaceState::ALL {
            let mut reached = vec![from];
            let mut i = 0;
            while i < reached.len() {
                let at = reached[i];
                for next in InterfaceEvent::ALL.iter().filter_map(|&event| at.after(event)) {
                    if !reached.contains(&next) {
                        reached.push(next);
                    }
                }
                i += 1;
            }
            assert!(reached.contains(&InterfaceState::Clo), "{from}");
            assert!(from != InterfaceState::Ini || reached.len() == InterfaceState::ALL.len());
        }
    }

    fn diagram() -> String {
        use std::fmt::Write;
        let mut text = "# The states of one side of a stream\n\n\
            Written from the table in `src/stream/interface.rs`. The client's side goes \
            `INI EST DIS CLO`; the server's may go through all of them.\n\n\
            ```mermaid\nstateDiagram-v2\n"
            .to_owned();
        let moves = InterfaceState::ALL.iter().flat_map(|&from| {
            InterfaceEvent::ALL
                .iter()
                .filter_map(move |&event| Some((from, event, from.after(event)?)))
        });
        for (from, event, to) in moves {
            writeln!(text, "    {from} --> {to}: {event:?}").unwrap();
        }
        text += "```\n\n| state | meaning |\n|---|---|\n";
        for state in InterfaceState::ALL {
            writeln!(text, "| `{state}` | {} |", state.doc()).unwrap();
        }
        text += "\n| event | what happens |\n|---|---|\n";
        for event in InterfaceEvent::ALL {
            writeln!(text, "| {event:?} | {} |", event.doc()).unwrap();
        }
        text
    }

    #[test]
    #[cfg_attr(miri, ignore = "files")]
    #[allow(clippy::disallowed_methods)] // The library reads no environment; its tests may.
    fn the_diagram_in_the_documents_is_that_of_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/stream-states.md");
        if std::env::var_os("VST_BLESS").is_some() {
            std::fs::write(path, diagram()).unwrap();
        }
        let known = std::fs::read_to_string(path).unwrap_or_default();
        assert_eq!(known, diagram(), "VST_BLESS=1 rewrites docs/stream-states.md");
    }
}
