//! Opening listeners, and that nothing is left behind.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixDatagram, UnixStream};

use super::*;
use crate::sys::UNIX_PATH_MAX;

/// A user without rights; if the tests are run without them already, it is the user that runs them.
const NOBODY: u32 = 65534;

#[test]
fn an_ipv4_client_of_an_ipv6_listener_has_an_ipv4_address() {
    if loopbacks().len() < 2 {
        return;
    }
    let mut net = Kernel;
    let any = Addr::parse("[::]:0").expect("an address");
    let listener = net.listen(&spec(any.clone())).expect("port 0 is free");
    let port = net.local(listener).expect("bound").as_ip().map_or(0, |ip| ip.port());
    let client = TcpStream::connect(("127.0.0.1", port)).expect("it listens to both families");
    wait(listener, IN);
    let (server, from) = net.accept(listener).expect("it waits");
    assert_eq!(from, Addr::ip(client.local_addr().expect("connected")));
    assert_eq!(from.family(), Family::V4);
    assert_eq!(net.peer(server), Ok(from));
    assert_eq!(net.local(server).map(|addr| addr.family()), Ok(Family::V4));
    [server, listener].into_iter().for_each(close);

    let only = net.listen(&ListenSpec { v6_only: true, ..spec(any) }).expect("port 0 is free");
    let port = net.local(only).expect("bound").as_ip().map_or(0, |ip| ip.port());
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    net.close(only);
}

#[test]
fn listeners_share_a_port_only_when_both_ask() {
    let mut net = Kernel;
    let shared = |addr| ListenSpec { reuse_port: true, ..spec(addr) };
    let first = net.listen(&shared(loopbacks().remove(0))).expect("port 0 is free");
    let at = net.local(first).expect("bound");
    let second = net.listen(&shared(at.clone())).expect("both ask");
    assert_eq!(net.listen(&spec(at)), Err(Errno(libc::EADDRINUSE)));
    [first, second].into_iter().for_each(close);
}

#[test]
fn a_deferred_listener_tells_of_a_connection_when_it_has_spoken() {
    let mut net = Kernel;
    let at = loopbacks().remove(0);
    let listener = net.listen(&ListenSpec { defer_accept: 5, ..spec(at) }).expect("port 0 is free");
    let to = net.local(listener).expect("bound");
    let mut client = TcpStream::connect(to.as_ip().expect("TCP")).expect("it listens");
    assert_eq!(net.accept(listener), Err(Errno::AGAIN));
    client.write_all(b"hello").expect("connected");
    wait(listener, IN);
    let (server, _) = net.accept(listener).expect("it waits");
    assert_eq!(hear(&mut net, server), Ok(b"hello".to_vec()));
    [server, listener].into_iter().for_each(close);
}

#[test]
fn a_unix_listener_has_its_mode_and_owner_and_replaces_a_stale_socket() {
    let directory = Directory::new();
    let mut net = Kernel;
    let at = directory.socket("s");
    let stale = net.listen(&spec(at.clone())).expect("free");
    net.close(stale);
    // SAFETY: it takes no pointer.
    let user = unsafe { libc::getuid() };
    // SAFETY: it takes no pointer.
    let group = unsafe { libc::getgid() };
    let exact = ListenSpec { mode: Some(0o602), owner: Some((user, group)), ..spec(at.clone()) };
    let listener = net.listen(&exact).expect("a stale socket gives way");
    assert_eq!(directory.names(), ["s"]);
    let metadata = fs::symlink_metadata(directory.0.join("s")).expect("it is there");
    assert!(metadata.file_type().is_socket());
    assert_eq!(metadata.permissions().mode() & 0o777, 0o602);

    let mut client = UnixStream::connect(directory.0.join("s")).expect("it listens");
    wait(listener, IN);
    let (server, from) = net.accept(listener).expect("it waits");
    assert_eq!(from, Addr::Unix([].into()), "the client has no name");
    let credentials = Credentials { uid: user, gid: group };
    assert_eq!(net.peer_credentials(server), Ok(credentials));
    assert_eq!(say(&mut net, server, b"hello"), Ok(5));
    net.close(server);
    let mut text = String::new();
    client.read_to_string(&mut text).expect("UTF-8");
    assert_eq!(text, "hello");
    net.close(listener);
    net.unlink(&at);
    assert!(directory.names().is_empty());
}

#[test]
fn a_unix_path_is_taken_over_from_who_listens_at_it_unless_that_is_refused() {
    let directory = Directory::new();
    let mut net = Kernel;
    let at = directory.socket("s");
    let exclusive = ListenSpec { exclusive: true, backlog: 0, ..spec(at.clone()) };
    let first = net.listen(&exclusive).expect("nobody is there");
    // The second one meets a queue that the first has filled.
    for _ in 0..2 {
        assert_eq!(net.listen(&exclusive), Err(Errno(libc::EADDRINUSE)));
    }
    assert_eq!(directory.names(), ["s"]);
    let second = net.listen(&spec(at.clone())).expect("it is taken over");
    let client = UnixStream::connect(directory.0.join("s")).expect("it listens");
    wait(second, IN);
    let (server, _) = net.accept(second).expect("it waits");
    drop(client);
    [server, first, second].into_iter().for_each(close);
    let third = net.listen(&exclusive).expect("a stale socket gives way");
    close(third);
    net.unlink(&at);

    let datagrams = UnixDatagram::bind(directory.0.join("s")).expect("free");
    assert_eq!(net.listen(&exclusive), Err(Errno(libc::EADDRINUSE)), "of another type");
    drop(datagrams);
}

#[test]
fn a_listener_that_fails_leaves_nothing_behind() {
    let directory = Directory::new();
    let mut net = Kernel;
    fs::create_dir(directory.0.join("directory")).expect("it can be written");
    fs::write(directory.0.join("file"), "precious").expect("it can be written");
    for name in ["directory", "file"] {
        let answer = net.listen(&spec(directory.socket(name)));
        assert_eq!(answer, Err(Errno(libc::EADDRINUSE)));
        net.unlink(&directory.socket(name));
    }
    let nowhere = net.listen(&spec(directory.socket("nowhere/s")));
    assert_eq!(nowhere, Err(Errno(libc::ENOENT)));

    let anybody = fs::Permissions::from_mode(0o777);
    fs::set_permissions(&directory.0, anybody).expect("it is ours");
    let foreign = ListenSpec { owner: Some((0, 0)), ..spec(directory.socket("s")) };
    let status = status_of_child(|| {
        // SAFETY: it takes no pointer; the process is a child.
        let _fails_without_rights = unsafe { libc::setuid(NOBODY) };
        let open = || fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
        let before = open();
        let answer = Kernel.listen(&foreign);
        answer == Err(Errno(libc::EPERM)) && open() == before
    });
    assert_eq!(status, 0, "the name is bound, and then cannot be given away");
    let mut names = directory.names();
    names.sort();
    assert_eq!(names, ["directory", "file"]);
    let text = fs::read_to_string(directory.0.join("file"));
    assert_eq!(text.expect("it is there"), "precious");
}

#[test]
fn a_temporary_name_that_is_taken_is_left_alone() {
    let directory = Directory::new();
    let mut net = Kernel;
    fs::write(directory.0.join(".vst0"), "").expect("it can be written");
    let listener = net.listen(&spec(directory.socket("s"))).expect("another name is free");
    let mut names = directory.names();
    names.sort();
    assert_eq!(names, [".vst0", "s"]);
    net.close(listener);
}

#[test]
fn the_longest_path_and_an_abstract_name_are_listened_to() {
    let directory = Directory::new();
    let mut net = Kernel;
    let start = directory.0.display().to_string();
    let full = format!("{start}/{}", "x".repeat(UNIX_PATH_MAX - start.len() - 1));
    let hidden = format!("\0{start}");
    for name in [full, hidden] {
        let at = Addr::Unix(name.into_bytes().into());
        let (client, server) = connected(&mut net, &at);
        [client, server].into_iter().for_each(close);
        let bound = net.socket(Family::Unix).expect("a socket");
        net.bind(bound, &at).expect("free again");
        assert_eq!(net.local(bound), Ok(at.clone()), "a bound name comes back whole");
        net.close(bound);
        net.unlink(&at);
    }
}

#[test]
fn a_path_that_was_taken_over_is_another_file() {
    let (mut net, directory) = (Kernel, Directory::new());
    let at = directory.socket("s");
    assert_eq!(net.path_id(&at), None);
    let first = net.listen(&spec(at.clone())).expect("free");
    let before = net.path_id(&at);
    let second = net.listen(&spec(at.clone())).expect("it is taken over");
    assert!(before.is_some());
    assert_ne!(net.path_id(&at), before);
    net.unlink(&at);
    net.close(first);
    net.close(second);
}
