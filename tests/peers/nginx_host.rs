//! nginx as the host: a module of its streams, and its event loop drives an engine.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use crate::bulk::{receive, send};
use crate::certificates::{Certificates, certificates};
use crate::curl::{CLIENT, PAGE, curl};
use crate::deadlines::until;
use crate::ends::{Deaf, End, STOPPED, at, connect, listen, reset};
use crate::examples::{built, target};
use crate::nginx::{OWN_FOLDERS, nginx_with};
use crate::openssl::{exchange, finish, s_client};
use crate::place::Place;
use crate::running::Running;
use crate::servers::{backend, echo_server, joined};
use crate::support::{missing, peer};

/// Debian's package with the headers of nginx has it.
const HEADERS: &str = "/usr/share/nginx/src/conf_flags";

const LARGE: usize = 10 << 20;

/// How many connections are open at once.
const CROWD: usize = 200;

/// The module, built once per test program; `None` without the headers.
fn module() -> Option<&'static Path> {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    if !Path::new(HEADERS).is_file() {
        return missing("nginx-dev");
    }
    Some(BUILT.get_or_init(|| {
        let build = built();
        let make = Command::new("make")
            .arg("-C")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/nginx"))
            .env("CARGO_TARGET_DIR", target())
            .env_remove("MAKEFLAGS")
            .output()
            .expect("make runs");
        let complaints = String::from_utf8_lossy(&make.stderr);
        assert!(make.status.success(), "the module does not build:\n{complaints}");
        build.join("ngx_stream_vestibule_module.so")
    }))
}

/// A running nginx with a server of streams for each text of `servers`, and the addresses of these.
struct Host<const N: usize> {
    nginx: Running,
    at: [SocketAddr; N],
    _place: Place,
}

impl<const N: usize> Host<N> {
    fn new(name: &str, servers: [&str; N]) -> Option<Self> {
        Self::with(name, "events { }", [(); N].map(|()| listen()), servers)
    }

    /// The same at listeners that exist, with `more` at the top of the configuration, `events` among it.
    fn with(
        name: &str,
        more: &str,
        listeners: [TcpListener; N],
        servers: [&str; N],
    ) -> Option<Self> {
        let place = Place::new(&format!("nginx-host-{name}"));
        let addresses = listeners.each_ref().map(at);
        let server = |(address, server): (&SocketAddr, &str)| {
            format!("server {{ listen {address}{server} }}\n")
        };
        let servers: String = addresses.iter().zip(servers).map(server).collect();
        let config = format!(
            "load_module {};\nerror_log stderr info;\n{more}\n\
             stream {{ log_format end '$remote_port $status $bytes_received $bytes_sent'; \
             access_log /dev/stdout end;\n{servers} }}\n",
            module()?.display()
        );
        let nginx = nginx_with(&place, &listeners, &config)?;
        let host = Self { nginx, at: addresses, _place: place };
        // Before that, a signal would end nginx.
        host.worker();
        Some(host)
    }

    fn connect(&self, server: usize) -> TcpStream {
        connect(&self.at[server].to_string())
    }

    /// The processes of nginx that serve, or still do.
    fn workers(&self) -> BTreeSet<u32> {
        let id = self.nginx.id();
        let text = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
        text.expect("it lives").split_whitespace().filter_map(|id| id.parse().ok()).collect()
    }

    /// The one worker.
    fn worker(&self) -> u32 {
        until("there is one worker", || self.workers().len() == 1);
        self.workers().into_iter().next().expect("there is one")
    }

    /// The worker that served this client.
    fn worker_of(&self, client: &TcpStream) -> u32 {
        let own = client.local_addr().expect("it is connected");
        let said = format!("client {own} connected");
        self.nginx.stderr.until(&said, |text| {
            let line = text.lines().find(|line| line.contains(&said))?;
            line.split(['#', ' ']).find_map(|word| word.parse().ok())
        })
    }

    /// Has nginx begin again with a new worker, which this returns once it serves.
    fn reload(&self) -> u32 {
        let before = self.workers();
        self.nginx.signal(libc::SIGHUP);
        let new = || self.workers().difference(&before).next().copied();
        until("there is a new worker", || new().is_some());
        let is_leaving = |id: &u32| {
            let title = std::fs::read_to_string(format!("/proc/{id}/cmdline"));
            title.map_or(true, |title| title.is_empty() || title.contains("shutting down"))
        };
        until("the old ones leave", || before.iter().all(is_leaving));
        new().expect("it was there")
    }
}

fn greeted(client: &mut TcpStream) {
    let own = client.local_addr().expect("it is connected");
    let far = client.peer_addr().expect("it is connected");
    assert_eq!(client.line(), format!("{own} {far}\n"));
}

fn echoed(client: &mut TcpStream, bytes: &[u8]) {
    client.say(bytes);
    assert_eq!(client.exactly(bytes.len()), bytes);
}

fn ended(mut client: TcpStream) {
    client.finish_writing();
    assert_eq!(client.rest().expect("an orderly end"), b"");
}

fn keys(certificates: &Certificates) -> String {
    let (chain, key) = (certificates.server.display(), certificates.server_key.display());
    format!("vestibule_certificate {chain} {key};")
}

#[test]
fn a_client_is_told_who_it_is_and_echoed_and_nginx_logs_its_bytes_at_its_end() {
    let Some(host) = Host::new("echo", ["; vestibule_echo on;"]) else { return };
    let mut client = host.connect(0);
    let own = client.local_addr().expect("it is connected");
    greeted(&mut client);
    echoed(&mut client, b"an echo");
    assert!(!host.nginx.stdout.so_far().contains(&own.port().to_string()), "it goes on");
    ended(client);
    let sent = format!("{own} {}\n", host.at[0]).len() + 7;
    host.nginx.stdout.until_said(&format!("{} 200 7 {sent}\n", own.port()));
}

#[test]
fn s_client_of_either_version_is_echoed_over_tls_of_vestibule_inside_nginx() {
    let Some(certificates) = certificates() else { return };
    let server = format!("; vestibule_echo on; {}", keys(certificates));
    let Some(host) = Host::new("tls", [&server]) else { return };
    for (word, version) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
        let mut client = s_client(certificates, &host.at[0].to_string(), word);
        client.stdout.until_said(&host.at[0].to_string());
        exchange(&mut client);
        let said = finish(client);
        assert!(said.contains(&format!("New, {version}, Cipher is")), "{said}");
    }
}

#[test]
fn a_proxy_header_is_believed_from_its_networks_and_required() {
    let server = "; vestibule_echo on; vestibule_accept_proxy 127.0.0.0/8;";
    let Some(host) = Host::new("header", [server]) else { return };
    let mut client = host.connect(0);
    client.say(b"PROXY TCP4 192.0.2.1 192.0.2.2 1111 2222\r\nabc");
    assert_eq!(client.line(), "192.0.2.1:1111 192.0.2.2:2222\n");
    assert_eq!(client.exactly(3), b"abc");
    ended(client);

    let mut stranger = host.connect(0);
    let port = stranger.local_addr().expect("it is connected").port();
    stranger.say(b"GET / HTTP/1.1\r\n\r\n");
    assert_eq!(stranger.last_words(), b"");
    host.nginx.stderr.until_said("vestibule: ACCEPT_PROXY MALFORMED: ");
    host.nginx.stdout.until_said(&format!("{port} 400 "));
}

#[test]
fn curl_gets_a_page_over_tls_and_nginx_sees_the_client() {
    let Some(certificates) = certificates() else { return };
    if peer("curl").is_none() {
        return;
    }
    let [front, back] = [(); 2].map(|()| listen());
    let (address, page) = (at(&front), at(&back));
    let place = Place::new("nginx-host-curl");
    let Some(module) = module() else { return };
    let config = format!(
        "load_module {};\nerror_log stderr;\nevents {{ }}\n\
         http {{ {OWN_FOLDERS} log_format who 'client=$proxy_protocol_addr request=$request'; \
         server {{ listen {page} proxy_protocol; access_log /dev/stdout who; \
         return 200 '{PAGE}'; }} }}\n\
         stream {{ server {{ listen {address}; vestibule_pass {page}; vestibule_send_proxy on; \
         {} }} }}\n",
        module.display(),
        keys(certificates),
    );
    let Some(nginx) = nginx_with(&place, &[front, back], &config) else { return };
    let answer = curl(&format!("https://{address}/"), certificates);
    assert_eq!(answer.as_deref(), Some(PAGE));
    nginx.stdout.until_said(&format!("client={CLIENT} request=GET / "));
}

#[test]
fn a_proxied_stream_passes_half_closes_on_and_every_byte_in_both_directions() {
    let (address, server) = backend(|mut stream| {
        // Nothing is sent before the client has ended its side.
        let got = receive(&mut stream);
        (got, send(&mut stream, LARGE))
    });
    let server_text = format!("; vestibule_pass {address};");
    let Some(host) = Host::new("bulk", [&server_text]) else { return };
    let mut client = host.connect(0);
    let port = client.local_addr().expect("it is connected").port();
    let sent = send(&mut client, LARGE);
    let got = receive(&mut client);
    let (heard, answered) = joined(server);
    assert_eq!(heard, (LARGE, sent));
    assert_eq!(got, (LARGE, answered));
    host.nginx.stdout.until_said(&format!("{port} 200 {LARGE} {LARGE}\n"));
}

#[test]
fn a_client_that_does_not_read_stops_the_echo_and_gets_every_byte_later() {
    let Some(host) = Host::new("slow", ["; vestibule_echo on;"]) else { return };
    let mut client = host.connect(0);
    let mut writer = client.try_clone().expect("a socket");
    let flood = vec![b'x'; 1 << 20];
    writer.set_write_timeout(Some(STOPPED)).expect("a socket");
    let mut sent = 0;
    while let Ok(count) = writer.write(&flood) {
        sent += count;
        assert!(sent < 1 << 30, "nobody says stop");
    }
    let mut other = host.connect(0);
    greeted(&mut other);
    echoed(&mut other, b"meanwhile");
    greeted(&mut client);
    client.finish_writing();
    assert_eq!(receive(&mut client).0, sent);
}

#[test]
fn a_session_that_is_silent_for_too_long_ends_in_order_and_is_logged() {
    let server = "; vestibule_echo on; vestibule_idle_timeout 300ms;";
    let Some(host) = Host::new("silent", [server]) else { return };
    let mut client = host.connect(0);
    greeted(&mut client);
    echoed(&mut client, b"counted from here");
    assert_eq!(client.rest().expect("an orderly end"), b"");
    host.nginx.stderr.until_said("no byte was read or written for 300 ms");
}

#[test]
fn a_server_is_not_reached_when_nginx_has_no_connection_left_for_it() {
    let more = "events { worker_connections 16; }";
    let pass = format!("; vestibule_pass {};", echo_server());
    let listeners = [(); 2].map(|()| listen());
    let servers = ["; vestibule_echo on;", &pass];
    let Some(host) = Host::with("full", more, listeners, servers) else { return };
    let mut sessions = Vec::new();
    loop {
        let mut session = host.connect(0);
        // nginx closes those for which it has no connection.
        if !matches!(session.read(&mut [0]), Ok(1)) {
            break;
        }
        sessions.push(session);
    }
    let mut end_one = || {
        let session: TcpStream = sessions.pop().expect("there are some");
        let port = session.local_addr().expect("it is connected").port();
        session.shutdown(Shutdown::Write).expect("it is connected");
        host.nginx.stdout.until_said(&format!("{port} 200 "));
    };
    end_one(); // enough for a client
    let mut client = host.connect(1);
    let port = client.local_addr().expect("it is connected").port();
    assert_eq!(client.last_words(), b"");
    drop(client);
    host.nginx.stderr.until_said("the host's poller cannot watch the descriptor");
    host.nginx.stdout.until_said(&format!("{port} 502 "));
    end_one(); // and for its server
    let mut client = host.connect(1);
    echoed(&mut client, b"enough");
    ended(client);
    for session in &mut sessions {
        session.line(); // but for the byte that was read
        echoed(session, b"goes on");
    }
}

#[test]
fn a_crowd_is_served_at_once_beside_a_server_of_nginx_s_own_and_leaves_nothing() {
    let pass = format!("; vestibule_pass {};", echo_server());
    let servers = ["; vestibule_echo on;", &pass, "; return own;"];
    let Some(host) = Host::new("crowd", servers) else { return };
    let worker = host.worker();
    let descriptors = || std::fs::read_dir(format!("/proc/{worker}/fd")).expect("it lives").count();
    let own = || assert_eq!(host.connect(2).rest().expect("an orderly end"), b"own");
    own();
    let before = descriptors();
    for server in [0, 1] {
        let mut clients: Vec<_> = (0..CROWD).map(|_| host.connect(server)).collect();
        if server == 0 {
            clients.iter_mut().for_each(greeted);
        }
        for (number, client) in clients.iter_mut().enumerate() {
            client.say(format!("{number:08}").as_bytes());
        }
        own();
        for (number, client) in clients.iter_mut().enumerate() {
            assert_eq!(client.exactly(8), format!("{number:08}").as_bytes());
        }
        for (number, client) in clients.into_iter().enumerate() {
            if number % 2 == 0 { ended(client) } else { reset(client) }
        }
        until("every descriptor is closed", || descriptors() <= before);
    }
    // Some of these are over before anything was watched.
    for _ in 0..CROWD {
        reset(host.connect(0));
        reset(host.connect(1));
    }
    own();
    let mut last = host.connect(1);
    echoed(&mut last, b"and goes on");
    ended(last);
    until("every descriptor is closed", || descriptors() <= before);
}

#[test]
fn a_session_outlives_a_reload_in_its_old_worker_which_leaves_when_it_ends() {
    let pass = format!("; vestibule_pass {};", echo_server());
    let servers = ["; vestibule_echo on;", &pass];
    let Some(host) = Host::new("reload", servers) else { return };
    let old = host.worker();
    let mut sessions = [0, 1].map(|server| host.connect(server));
    greeted(&mut sessions[0]);
    for session in &mut sessions {
        echoed(session, b"before");
    }
    let new = host.reload();
    for server in [0, 1] {
        let mut client = host.connect(server);
        if server == 0 {
            greeted(&mut client);
        }
        echoed(&mut client, b"at the new one");
        assert_eq!(host.worker_of(&client), new);
        ended(client);
    }
    let [mut first, mut second] = sessions;
    echoed(&mut first, b"after");
    assert_eq!(host.worker_of(&first), old);
    ended(first);
    echoed(&mut second, b"after");
    assert!(host.workers().contains(&old), "a session is left");
    ended(second);
    until("the old worker has left", || host.workers() == BTreeSet::from([new]));
    host.nginx.stderr.until_said(&format!("{old} exited with code 0"));
    assert!(!host.nginx.stderr.so_far().contains("open socket"), "nothing was left in it");
}

#[test]
fn a_worker_without_connections_leaves_at_once() {
    let Some(host) = Host::new("idle", ["; vestibule_echo on;"]) else { return };
    let old = host.worker();
    let mut client = host.connect(0);
    greeted(&mut client);
    ended(client);
    let new = host.reload();
    until("the old worker has left", || host.workers() == BTreeSet::from([new]));
    host.nginx.stderr.until_said(&format!("{old} exited with code 0"));
}

#[test]
fn worker_shutdown_timeout_ends_what_is_left() {
    let pass = format!("; vestibule_pass {};", echo_server());
    let more = "events { } worker_shutdown_timeout 100ms;";
    let listeners = [(); 2].map(|()| listen());
    let servers = ["; vestibule_echo on;", &pass];
    let Some(host) = Host::with("timeout", more, listeners, servers) else { return };
    let old = host.worker();
    let mut sessions = [0, 1].map(|server| host.connect(server));
    greeted(&mut sessions[0]);
    echoed(&mut sessions[1], b"abc");
    let new = host.reload();
    for mut session in sessions {
        assert_eq!(session.last_words(), b"");
    }
    until("the old worker has left", || host.workers() == BTreeSet::from([new]));
    host.nginx.stderr.until_said(&format!("{old} exited with code 0"));
}

/// Says at its end that something is over.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn no_connection_is_lost_while_nginx_is_reloaded_under_load() {
    const RELOADS: usize = 5;
    const CLIENTS: usize = 8;
    let pass = format!("; vestibule_pass {};", echo_server());
    let servers = ["; vestibule_echo on;", &pass];
    let Some(host) = Host::new("load", servers) else { return };
    let (is_over, served) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        // Dropped also when a reload fails: the clients end then.
        let _over = Over(&is_over);
        for number in 0..CLIENTS {
            let (host, is_over, served) = (&host, &is_over, &served);
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    let mut client = host.connect(number % 2);
                    if number % 2 == 0 {
                        greeted(&mut client);
                    }
                    echoed(&mut client, b"under load");
                    ended(client);
                    served.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for _ in 0..RELOADS {
            let before = served.load(Ordering::Relaxed);
            host.reload();
            until("clients were served", || served.load(Ordering::Relaxed) > before + CLIENTS);
        }
    });
    until("the old workers have left", || host.workers().len() == 1);
}

#[test]
fn what_cannot_be_passed_on_is_an_error_in_the_log_of_nginx() {
    let deaf = Deaf::new();
    let pass = format!("; vestibule_pass {};", deaf.address());
    let servers = [pass.as_str(), "; ssl_preread on; vestibule_echo on;"];
    let Some(host) = Host::new("errors", servers) else { return };
    let mut client = host.connect(0);
    let port = client.local_addr().expect("it is connected").port();
    assert_eq!(client.last_words(), b"");
    host.nginx.stderr.until_said("vestibule: no server was reached: CTRL_CONNECT REFUSED");
    host.nginx.stdout.until_said(&format!("{port} 502 0 0\n"));

    let mut read = host.connect(1);
    read.say(b"anything");
    assert_eq!(read.last_words(), b"");
    host.nginx.stderr.until_said("\"ssl_preread\" must be off");
}

#[test]
fn a_wrong_configuration_is_named_with_its_line() {
    let Some(module) = module() else { return };
    let Some(program) = peer("nginx") else { return };
    let wrong = [
        ("vestibule_pass nowhere;", "nginx.conf:"),
        ("vestibule_echo on; vestibule_accept_proxy 10.0.0.0/99;", "nginx.conf:"),
        ("vestibule_echo on; vestibule_certificate none.pem none.key;", "none.pem"),
        ("vestibule_echo on; vestibule_pass 127.0.0.1:1;", "needs one of"),
        ("vestibule_echo off;", "needs one of"),
    ];
    for (number, (server, named)) in wrong.into_iter().enumerate() {
        let place = Place::new(&format!("nginx-host-wrong-{number}"));
        let config = format!(
            "load_module /usr/lib/nginx/modules/ngx_stream_module.so;\nload_module {};\n\
             pid nginx.pid;\nevents {{ }}\nstream {{ server {{ listen 127.0.0.1:1; {server} }} }}\n",
            module.display()
        );
        let file = place.write("nginx.conf", &config);
        let mut command = Command::new(&program);
        command.arg("-p").arg(&*place).args(["-e", "stderr", "-t", "-c"]).arg(file);
        let output = command.output().expect("nginx runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(named), "{server}: {said}");
    }
}
