//! How the engine describes its listeners and backends.

use super::farm::{Farm, options, server};
use super::host::Program;
use super::rig::{Rig, both, both_here};
use crate::config::AcceptConfig;
use crate::conn::Direction;
use crate::ctrl::FdState;
use crate::engine::Refusal;
use crate::id::{Id, Kind};
use crate::slab::Key;

#[track_caller]
fn says(line: &str, words: &[&str]) {
    assert!(!line.contains('\n'), "{line}");
    for word in words {
        assert!(line.split(' ').any(|found| found == *word), "{word} is not in: {line}");
    }
}

#[test]
fn a_listener_is_described_with_what_it_does_and_why_it_rests() {
    both_here(|setup| {
        let mut rig = Rig::new(setup, Program::Idle);
        let listener = rig.listen(AcceptConfig::default());
        rig.peer();
        rig.settle();
        let fds: Vec<FdState> =
            rig.engine.registry.listeners.iter().map(|(_, one)| one.fd_state()).collect();
        assert_eq!(fds, [FdState::Listen]);
        let line = rig.engine.describe_listener(listener).expect("it is there");
        says(&line, &[&format!("listener={:#018x}", listener.bits()), "addr=192.0.2.1:80"]);
        says(&line, &["fd_state=LISTEN", "accepting=yes", "closing=false", "monitor_fails=false"]);
        says(&line, &["conns=1", "accepted=1", "sessions=1", "refused=0", "monitored=0"]);
        rig.call(|engine| engine.set_name(listener, "front")).expect("it is there");
        rig.call(|engine| engine.pause_listener(listener)).expect("it is there");
        rig.call(|engine| engine.set_monitor_fail(listener, true)).expect("it is there");
        let line = rig.engine.describe_listener(listener).expect("it is there");
        says(&line, &["name=\"front\"", "accepting=paused", "monitor_fails=true"]);
        let other = Id::new(Kind::Conn, 1, listener.key());
        assert_eq!(rig.engine.describe_listener(other), Err(Refusal::WrongKind));
        let session = only(&rig);
        rig.call(|engine| engine.abort(session)).expect("a session");
        rig.call(|engine| engine.close_listener(listener)).expect("it is there");
        rig.run();
        assert_eq!(rig.engine.describe_listener(listener), Err(Refusal::Stale));
        rig.finish();
    });
}

/// The only connection.
fn only(rig: &Rig) -> Id {
    let (key, _) = rig.engine.conns.iter().next().expect("a connection");
    rig.engine.id(Kind::Conn, key)
}

/// The words about the layers of the only connection that apply.
fn layers(rig: &Rig) -> String {
    let line = rig.engine.describe(only(rig)).expect("it is there");
    let of_layers = |word: &&str| ["fd_a", "ctrl_", "data_"].iter().any(|of| word.starts_with(of));
    let words: Vec<&str> = line.split(' ').filter(of_layers).collect();
    assert_eq!(words.len(), 13, "{line}");
    let holding: Vec<&str> = words.iter().filter_map(|word| word.strip_suffix("=true")).collect();
    holding.join(" ")
}

#[test]
fn a_connection_is_described_with_what_each_of_its_layers_has_behind_it() {
    both_here(|setup| {
        let mut rig = Rig::new(setup, Program::Idle);
        rig.listen(super::header::proxied());
        let peer = rig.peer();
        rig.settle();
        assert_eq!(layers(&rig), "fd_allocated ctrl_init ctrl_connected data_init");
        peer.send(b"PROXY UNKNOWN\r\n");
        rig.settle();
        let open = "fd_allocated ctrl_init ctrl_connected ctrl_handlers_done";
        let data = "data_init data_connected data_handlers_done";
        assert_eq!(layers(&rig), format!("{open} {data}"));
        let id = only(&rig);
        rig.call(|engine| engine.shutdown(id, Direction::Write)).expect("a session");
        rig.settle();
        assert_eq!(layers(&rig), format!("{open} ctrl_shutw {data} data_shutw"));
        rig.call(|engine| engine.abort(id)).expect("a session");
        rig.finish();
    });
}

#[test]
fn a_backend_is_described_with_each_of_its_servers() {
    both(|setup| {
        let mut farm = Farm::new(setup, options(), vec![server(0), server(1)]);
        let backend = farm.backend;
        farm.rig.call(|engine| engine.set_name(backend, "back")).expect("it is there");
        let client = farm.client(b"word");
        let line = farm.rig.engine.describe_backend(backend).expect("it is there");
        says(&line, &[&format!("backend={:#018x}", backend.bits()), "name=\"back\""]);
        says(&line, &["servers=2", "usable=2", "streams=1", "queued=0"]);
        says(&line, &["server.0.name=\"s0\"", "server.0.state=READY", "server.0.up=true"]);
        says(&line, &["server.0.streams=1", "server.1.name=\"s1\"", "server.1.streams=0"]);
        says(&line, &["server.1.usable=true", "server.1.weight=1", "server.1.addresses=1"]);
        let gone = Id::new(Kind::Backend, 1, Key { slot: 9, ..backend.key() });
        assert_eq!(farm.rig.engine.describe_backend(gone), Err(Refusal::Stale));
        let peer = farm.sites[0].accept().expect("it came");
        client.close();
        peer.close();
        farm.finish();
    });
}
