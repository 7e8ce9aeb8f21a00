//! The order of the header: a section for each noun, those that a program meets first first.

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
        text: "What every function answers, and texts for it. Why a connection or a stream ended is \
               in its event instead: an operation (VST_OP_*) and a reason (VST_WHY_*).",
        files: &["status"],
    },
    Section {
        title: "Ids, waiting, addresses and ends",
        text: "What the other sections speak of: the 64-bit ids of connections, listeners, streams and \
               backends, what a host must know to wait well, addresses, and the record of how a \
               connection or a stream ended.",
        files: &["types", "addr", "end"],
    },
    Section {
        title: "The engine",
        text: "An engine holds the connections of one thread. vst_engine_new makes it, with the \
               callbacks that it calls; events say what happened; vst_engine_drain ends what there \
               is in order, and vst_engine_free ends the rest at once, without any event. A host \
               that would rather fetch than be called makes the engine without event and without \
               interest callbacks (fdset and fdclr, or interest), and calls vst_engine_next; with \
               interest callbacks it may fetch the events alone.",
        files: &["event", "posts", "engine", "life", "pull", "drain", "counters"],
    },
    Section {
        title: "The poller",
        text: "How the engine and the poller of the host work together. The engine says what to \
               watch (fdset and fdclr, interest, or VST_EVENT_INTEREST); the host hands every \
               readiness in with vst_engine_ready, waits until the deadline of vst_wait at most, and \
               calls vst_engine_run when it has passed or when VST_WAIT_RUNNABLE is set. Readiness \
               is a hint: told too often, too late or for nothing it does no harm. A descriptor that \
               was announced is closed only after the host was told VST_IO_RELEASED.",
        files: &["drive"],
    },
    Section {
        title: "Listeners",
        text: "Where connections come in: opened here, or taken over from another program that \
               opened the descriptor. A listener that the system or a limit keeps from taking \
               connections says so with VST_EVENT_PAUSED and goes on by itself.",
        files: &["listener"],
    },
    Section {
        title: "Accept configurations",
        text: "What incoming connections go through before they are sessions: a PROXY header or a \
               NetScaler's, monitors, rules, handlers, TLS, and the bounds of each in time. Many listeners \
               and engines may share one.",
        files: &["accept_config"],
    },
    Section {
        title: "Connections",
        text: "How one begins other than by a listener (vst_conn_connect, or a descriptor that is \
               handed over), and the life of a session: it is told with VST_EVENT_SESSION or \
               VST_EVENT_CONNECTED, read and written until it is closed, and VST_EVENT_CLOSED is the \
               last event about it. A read or write that answers VST_WAIT is tried again when \
               VST_EVENT_READABLE or VST_EVENT_WRITABLE is told.",
        files: &["opening", "conn", "start_tls"],
    },
    Section {
        title: "What is known of a connection",
        text: "Its state and layers, addresses, the PROXY header that came first, what TLS agreed \
               on, and a line of text for debugging. All of it is copied out.",
        files: &["facts", "proxy_header", "tls_info", "layers", "describe"],
    },
    Section {
        title: "Certificates and TLS",
        text: "How incoming and outgoing connections speak TLS: made once, named by an accept or a connect \
               configuration, shared by any number of connections and engines, and freed when the host \
               likes, since whatever still uses it keeps it.",
        files: &["identity", "tls", "tls_client"],
    },
    Section {
        title: "Connect configurations",
        text: "What outgoing connections go through before they are open: the source address, a PROXY \
               header, a SOCKS server, handlers, TLS, and the bounds of each in time.",
        files: &["socks", "connect_config"],
    },
    Section {
        title: "Streams",
        text: "Two connections joined: from vst_conn_forward or vst_conn_forward_to on the engine \
               moves the bytes between them, and the host is told nothing of either until \
               VST_EVENT_STREAM_END.",
        files: &["stream"],
    },
    Section {
        title: "Backends",
        text: "A backend is a group of servers, of which each stream gets one: by weight and load, \
               with queues, retries and health checks. A backend is made, given servers, and named \
               by vst_conn_forward_to.",
        files: &["backend", "server", "server_state"],
    },
    Section {
        title: "Rules",
        text: "The tcp-request rules of HAProxy: a text becomes a set of rules, an accept configuration \
               names it, and it may be replaced while connections come. A backend that rules choose is \
               asked for with vst_conn_chosen_backend.",
        files: &["rules"],
    },
    Section {
        title: "Stick tables",
        text: "What is remembered of a key, an address mostly, from one connection to the next, by \
               all engines and threads that share the table. Rules track and ask; a host may read, \
               set and list the entries.",
        files: &["table_key", "table", "table_snapshot"],
    },
    Section {
        title: "Handlers of the host's own",
        text: "A step of the host's between the others, before or behind TLS: it looks at bytes, answers, \
               refuses, or says that its answer comes later. It is asked through the step callback; \
               vst_handler_peek, _consume and _send serve it meanwhile, and vst_conn_handler_done, or a \
               waker, brings an answer that came later.",
        files: &["step", "handler"],
    },
    Section {
        title: "Monitors and metrics",
        text: "Monitors are sources, such as the health checks of a load balancer, that are answered \
               by the library instead of becoming sessions, so that they need not speak the protocol \
               of the service. Metrics are what has been counted, as text for Prometheus or as \
               numbers.",
        files: &["monitor"],
    },
    Section {
        title: "Wakers",
        text: "The one object by which other threads reach an engine: it brings an answer of a \
               handler to the engine's thread, and wakes that thread.",
        files: &["waker"],
    },
    Section {
        title: "The built-in loop",
        text: "For programs that have no poller. It is a host like any other, and uses nothing of the \
               library that another could not.",
        files: &["looping"],
    },
    Section {
        title: "Versions",
        text: "Which library this is, what it was built with, and the names of its numbers.",
        files: &["version"],
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
