//! The order of the header: a section for each noun, in the order in which a program needs them.

/// A section: its title, what it is for and which calls follow which, and the files of `src/ffi`
/// whose items it has.
pub(crate) struct Section {
    pub(crate) title: &'static str,
    pub(crate) text: &'static str,
    pub(crate) files: &'static [&'static str],
}

/// Every section, in order. What a struct holds by value stands in a section before it.
pub(crate) const SECTIONS: &[Section] = &[
    Section {
        title: "Statuses",
        text: "What the functions return, and texts for it. Why a connection or a stream ended is \
               in its event instead: an operation (VST_OP_*) and a reason (VST_WHY_*).",
        files: &["status"],
    },
    Section {
        title: "Ids, waiting, addresses and ends",
        text: "What the other sections use: the 64-bit ids of connections, listeners, streams and \
               backends; what a host must know to wait; addresses; and the structs that say how a \
               connection or a stream ended.",
        files: &["types", "addr", "end"],
    },
    Section {
        title: "The engine",
        text: "An engine holds the connections of one thread. vst_engine_new makes it, with the \
               callbacks that it calls; events say what happened; vst_engine_drain ends what there \
               is in order, and vst_engine_free ends the rest at once, without any event. A host \
               that would rather ask than be called makes the engine without event and without \
               interest callbacks (fdset and fdclr, or interest), and calls vst_engine_next for \
               both; an engine with interest callbacks and without event reports only its events \
               there.",
        files: &[
            "event",
            "posts",
            "trace_options",
            "engine",
            "life",
            "trace",
            "pull",
            "drain",
            "counters",
        ],
    },
    Section {
        title: "The poller",
        text: "How the engine and the poller of the host work together. The engine says what to \
               watch (fdset and fdclr, interest, or VST_EVENT_INTEREST); the host hands every \
               readiness in with vst_engine_ready, waits until deadline_ns of vst_wait at most, \
               and calls vst_engine_run when that time has come or when VST_WAIT_RUNNABLE is set. \
               Readiness is a hint: handed in twice, late or without reason it does no harm. A \
               descriptor that was announced is closed only after VST_IO_RELEASED was reported for \
               it.",
        files: &["drive", "token"],
    },
    Section {
        title: "Listeners",
        text: "Where connections come in: opened here, or taken over from another program that \
               opened the descriptor. A listener that the system or a limit keeps from accepting \
               connections reports VST_EVENT_PAUSED and continues by itself.",
        files: &["listener"],
    },
    Section {
        title: "Accept configurations",
        text: "What is done with incoming connections before they are sessions: monitors, a PROXY \
               header or a NetScaler's, rules, handlers, TLS, and the timeout of each. Many \
               listeners and engines may share one.",
        files: &["socket_options", "accept_config"],
    },
    Section {
        title: "Connections",
        text: "How a connection begins other than through a listener (vst_conn_connect, or a \
               descriptor that is handed over), and how a session is used: VST_EVENT_SESSION or \
               VST_EVENT_CONNECTED reports it, it is read and written until it is closed, and \
               VST_EVENT_CLOSED is the last event about it. A read or write that returns VST_WAIT \
               is tried again when VST_EVENT_READABLE or VST_EVENT_WRITABLE is reported.",
        files: &["opening", "conn", "session", "start_tls"],
    },
    Section {
        title: "What is known of a connection",
        text: "Its state and layers, addresses, the PROXY header that came first, what TLS agreed \
               on, and a line of text for debugging, which listeners and backends have as well. \
               All of it is copied to the host's memory.",
        files: &["facts", "conn_info", "proxy_header", "tls_info", "layers", "describe"],
    },
    Section {
        title: "Certificates and TLS",
        text: "How incoming connections (vst_tls_server) and outgoing ones (vst_tls_client) use \
               TLS. Such an object is made once, named in accept or connect configurations, and \
               shared by any number of connections and engines. The host may free its handle at \
               any time, since what uses the object keeps it.",
        files: &["identity", "tls", "tls_client"],
    },
    Section {
        title: "Connect configurations",
        text: "What is done with outgoing connections before they are open: the source address, a \
               PROXY header, a SOCKS server, handlers, TLS, and the timeout of each.",
        files: &["socks", "connect_config"],
    },
    Section {
        title: "Fed connections",
        text: "A fed connection stands on no socket of the library: the host moves its bytes, over \
               whatever it has (an I/O stack of its own, a tunnel inside another protocol, memory). \
               vst_conn_feed makes an incoming one; a connect configuration with VST_CONNECT_FED makes \
               outgoing ones, those of backends and health checks among them. The connection asks the \
               host (VST_FED_*), by the callback fed or through vst_fed_next: to open, to send what \
               vst_fed_copy_unsent hands out, to close. The host reports what happened: vst_fed_opened \
               or vst_fed_failed, vst_fed_received, vst_fed_sent, vst_fed_ended, vst_fed_hung_up, and \
               at last vst_fed_closed. Reports of one direction come in order; those of different \
               connections in any order. Everything else is as for other connections, but what needs a \
               descriptor: vst_conn_take_fd is VST_E_UNSUPPORTED, and marks that rules set do nothing.",
        files: &["fed_ask", "fed"],
    },
    Section {
        title: "Links and agents",
        text: "A second process, the agent, opens connections for this one and hands over connections \
               that it has accepted, so that this one needs no network and no keys of its own. \
               vst_link_open makes a link to it, and a connect configuration that names the link (`link` \
               of vst_connect_options) has the agent connect, with TLS of its own where `link_tls` says \
               so; vst_link_accept takes the connections that it hands over. They are used as all others \
               are; what failed at the agent has `remote` set in its vst_end. A connection over a unix \
               socket whose bytes the agent does not change is passed as a descriptor, and the agent is \
               out of its way. In the agent, vst_agent_new says what its clients may do, vst_agent_serve \
               makes a session one of them, and vst_agent_offer hands a session over. \
               docs/remote-protocol.md has the frames between the two.",
        files: &["link", "agent"],
    },
    Section {
        title: "Streams",
        text: "Two connections joined: from vst_conn_forward or vst_conn_forward_to on the engine \
               moves the bytes between them, and no event of either is reported but \
               VST_EVENT_STREAM_END.",
        files: &["stream"],
    },
    Section {
        title: "Backends",
        text: "A backend is a group of servers, of which each stream gets one: by weight and load, \
               with queues, retries and health checks. vst_backend_new makes it, \
               vst_backend_add_server adds servers, and vst_conn_forward_to names it.",
        files: &["backend", "server", "server_state"],
    },
    Section {
        title: "Rules",
        text: "The tcp-request rules of HAProxy: vst_rules_new makes a set of rules from a text, \
               an accept configuration names the set, and vst_rules_replace may change it while \
               connections come. vst_conn_chosen_backend says which backend the rules choose for a \
               session.",
        files: &["rules"],
    },
    Section {
        title: "Stick tables",
        text: "What is remembered about a key, such as the address of a client, from one \
               connection to the next. All engines and threads that share a table use the same \
               entries. Rules count connections in entries (track-sc0) and compare what is there; \
               the host may read, set and list the entries.",
        files: &["table_key", "table", "table_snapshot"],
    },
    Section {
        title: "Handlers of the host's own",
        text: "A handler is a step of the host's own in opening a connection, before or after TLS: \
               it looks at bytes, sends some, lets the connection go on or refuses it, or says \
               that it decides later. The library calls its step callback; vst_handler_peek, \
               vst_handler_consume and vst_handler_send work meanwhile. vst_conn_handler_done, or \
               vst_waker_post from another thread, brings an answer that comes later.",
        files: &["step", "handler"],
    },
    Section {
        title: "Monitors and metrics",
        text: "Monitors are sources, such as the health checks of a load balancer, whose \
               connections the library answers and closes itself, so that they need not speak the \
               protocol of the service. Metrics are what the library has counted, as text for \
               Prometheus or as numbers.",
        files: &["monitor"],
    },
    Section {
        title: "Wakers and groups",
        text: "A waker is how other threads reach an engine: it brings the answer of a handler to \
               the engine's thread, and wakes that thread. A group is what engines in several \
               threads share that serve the same purpose: the health of servers, what the host \
               sets of them, and the sums of the metrics.",
        files: &["waker", "group"],
    },
    Section {
        title: "The built-in loop",
        text: "For programs that have no poller of their own. The loop uses the same functions as \
               any other host.",
        files: &["event_loop"],
    },
    Section {
        title: "Versions",
        text: "Which library this is, what it was built with, and the names of its numbers.",
        files: &["allocator", "version"],
    },
];

/// Width of the comments.
const WIDTH: usize = 100;

/// One item of the header: its comment and its code.
struct Item {
    name: String,
    text: String,
    rank: Rank,
}

/// What stands before what within a section.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Constant,
    Type,
    Function,
}

impl Item {
    /// Reads a block of lines between two blank ones.
    fn read(block: &str) -> Option<Self> {
        let code: Vec<&str> = block.lines().filter(|line| !line.starts_with("//")).collect();
        let first = code.first()?;
        let words = |line: &str| -> Vec<String> {
            let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
            line.split(|c| !is_part(c)).filter(|word| !word.is_empty()).map(str::to_owned).collect()
        };
        let (name, rank) = if first.starts_with("#define ") {
            (words(first).into_iter().nth(1)?, Rank::Constant)
        } else if first.starts_with("struct ") && (first.ends_with('{') || first.ends_with(';')) {
            (words(first).into_iter().nth(1)?, Rank::Type)
        } else if first.starts_with("typedef ") {
            let named = first.split_once('(').map_or(*first, |(_, rest)| rest);
            let mut all = words(if named.starts_with('*') { named } else { first });
            let name = if named.starts_with('*') { all.remove(0) } else { all.pop()? };
            (name, Rank::Type)
        } else {
            let before = first.split_once('(')?.0;
            (words(before).pop()?, Rank::Function)
        };
        Some(Self { name, text: block.to_owned(), rank })
    }
}

/// Whether `source` defines `name` for C.
fn defines(source: &str, name: &str) -> bool {
    // A pointer to a struct is written `*const`, too.
    let kinds: &[&str] =
        if name.starts_with("VST_") { &["const "] } else { &["struct ", "type ", "fn "] };
    kinds.iter().any(|kind| {
        let defined = format!("{kind}{name}");
        source.match_indices(&defined).any(|(at, _)| {
            let next = source[at + defined.len()..].chars().next();
            next.is_none_or(|c| !(c.is_ascii_alphanumeric() || c == '_'))
        })
    })
}

/// A text as lines of a comment.
fn comment(text: &str) -> String {
    let mut lines = vec![String::from("//")];
    for word in text.split_whitespace() {
        let last = lines.last_mut().expect("there is one");
        if last.len() + 1 + word.len() > WIDTH {
            lines.push(format!("// {word}"));
        } else {
            *last += " ";
            *last += word;
        }
    }
    lines.join("\n") + "\n"
}

/// The header as a book. `written` is what cbindgen wrote, structs by their tags; `before` and
/// `statuses` come ahead of all and into the section of statuses; `source` reads a file of `src/ffi`.
pub(crate) fn bind(
    written: &str,
    before: &str,
    statuses: &str,
    source: impl Fn(&str) -> String,
) -> String {
    let blocks = written.split("\n\n").map(|block| block.trim_matches('\n'));
    let mut items: Vec<Item> = blocks
        .filter(|block| !block.contains("__cplusplus") && !block.contains("VESTIBULE_H"))
        .filter_map(Item::read)
        .filter(|item| item.name.to_ascii_lowercase().starts_with("vst_"))
        .collect();
    let structs: Vec<String> = items
        .iter()
        .filter(|item| item.rank == Rank::Type && item.text.contains("\nstruct "))
        .map(|item| item.name.clone())
        .collect();
    let mut text = format!("{}\n//\n// Contents\n", before.trim_end());
    for (number, section) in (1..).zip(SECTIONS) {
        text += &format!("// {number:>3}  {}\n", section.title);
    }
    text += "\n#ifndef VESTIBULE_H\n#define VESTIBULE_H\n\n#include <stddef.h>\n#include <stdint.h>\n\n\
             #ifdef __cplusplus\nextern \"C\" {\n#endif\n\n";
    text += "// Every struct has a name of its own. Those that no section defines are opaque.\n";
    for name in &structs {
        text += &format!("typedef struct {name} {name};\n");
    }
    for (number, section) in (1..).zip(SECTIONS) {
        let rule = "=".repeat(WIDTH - 3);
        text +=
            &format!("\n// {rule}\n// {number}. {}\n//\n{}", section.title, comment(section.text));
        text += &format!("// {rule}\n");
        let sources: Vec<String> = section.files.iter().map(|file| source(file)).collect();
        let is_here = |item: &Item| sources.iter().any(|source| defines(source, &item.name));
        let (mut here, rest): (Vec<Item>, Vec<Item>) = items.into_iter().partition(is_here);
        items = rest;
        // Stable: within a rank the order is that of the sources.
        here.sort_by_key(|item| item.rank);
        for item in here {
            text += "\n";
            text += &named(&item.text, &structs);
            text += "\n";
        }
        if section.files.contains(&"status") {
            text += "\n";
            text += statuses.trim_end();
            text += "\n";
        }
    }
    let left: Vec<&str> = items.iter().map(|item| item.name.as_str()).collect();
    assert!(left.is_empty(), "no section has these: {left:?}");
    text + "\n#ifdef __cplusplus\n} // extern \"C\"\n#endif\n\n#endif // VESTIBULE_H\n"
}

/// An item with structs by their names instead of their tags, but where one is defined.
fn named(item: &str, structs: &[String]) -> String {
    let mut lines = Vec::new();
    for line in item.lines() {
        let mut line = line.to_owned();
        // An opaque one is declared with the names already.
        let is_opaque = line.starts_with("struct ") && line.ends_with(';') && !line.contains('*');
        if is_opaque && structs.iter().any(|name| line == format!("struct {name};")) {
            lines.push(line);
            continue;
        }
        if !(line.starts_with("struct ") && line.ends_with('{')) {
            for name in structs {
                line = line.replace(&format!("struct {name} "), &format!("{name} "));
                line = line.replace(&format!("struct {name}*"), &format!("{name}*"));
            }
        }
        lines.push(line);
    }
    lines.join("\n")
}
