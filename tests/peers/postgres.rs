//! The example that answers Postgres' request for TLS, between Debian's psql and Postgres.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::certificates::{Certificates, certificates};
use crate::ends::{End, connect, tls_client, tls_over};
use crate::openssl::keys;
use crate::running::Running;
use crate::servers::{HOSTS, command};
use crate::support::peer_in;

/// Postgres refuses to run as root: the user that its package made, or else a user who owns nothing.
const USERS: [&str; 2] = ["postgres", "nobody"];

const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
const GSSENC_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 48];

/// A program of Postgres, which Debian keeps in a folder for each version.
fn program(name: &str) -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    peer_in(versions.map(|version| version.path().join("bin")), name)
}

/// The numbers of the user and the group to run as, if we are root.
fn somebody() -> Option<(u32, u32)> {
    // SAFETY: it takes nothing and cannot fail.
    if unsafe { libc::getuid() } != 0 {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").expect("there are users");
    let found = USERS.iter().find_map(|name| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    });
    Some(found.expect("one of the users exists"))
}

/// An empty Postgres, on a unix socket.
struct Postgres {
    server: Option<Running>,
    home: PathBuf,
}

impl Postgres {
    /// `name` is used by this test alone.
    fn start(name: &str) -> Option<Self> {
        let (initdb, postgres) = (program("initdb")?, program("postgres")?);
        // Not in the target folder: other users may be denied access to its parents, and the name of a
        // socket must be short.
        let home = std::env::temp_dir().join(format!("vst-{}-{name}", std::process::id()));
        let mut ours = Self { server: None, home };
        let home = &ours.home;
        fs::create_dir(home).expect("there is a place for temporary files");
        fs::set_permissions(home, Permissions::from_mode(0o755)).expect("it is ours");
        let somebody = somebody();
        let run_as_somebody = |command: &mut Command| {
            if let Some((user, group)) = somebody {
                command.uid(user).gid(group);
            }
            command.current_dir(home).env("LC_ALL", "C").env("TZ", "UTC");
        };
        if let Some((user, group)) = somebody {
            chown(home, Some(user), Some(group)).expect("we are root");
        }
        let data = home.join("data");
        let mut command = Command::new(initdb);
        command.arg("-D").arg(&data).args(["-A", "trust", "-U", "tester", "--no-sync"]);
        run_as_somebody(&mut command);
        let made = command.output().expect("initdb runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));

        let mut command = Command::new(postgres);
        command.arg("-D").arg(&data).arg("-k").arg(home);
        command.args(["-c", "listen_addresses=", "-c", "port=1", "-c", "fsync=off"]);
        run_as_somebody(&mut command);
        let server = Running::spawn(&mut command).ended_by_a_signal();
        server.stderr.until_said("database system is ready to accept connections");
        ours.server = Some(server);
        Some(ours)
    }

    /// Its address, in the form of `--backend`.
    fn backend(&self) -> String {
        format!("unix:{}/.s.PGSQL.1", self.home.display())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.server.take());
        let _ = fs::remove_dir_all(&self.home);
    }
}

fn front(certificates: &Certificates, backend: &str, words: &str) -> Running {
    let words = format!("{} --backend {backend} {words}", keys(certificates));
    Running::spawn(&mut command("postgres", &words))
}

/// The result of psql with these words about the connection.
fn psql(psql: &Path, at: &str, words: &str, query: &str) -> Output {
    let (_, port) = at.rsplit_once(':').expect("a port");
    let connection = format!(
        "host=localhost hostaddr=127.0.0.1 port={port} user=tester dbname=postgres \
         connect_timeout=20 {words}"
    );
    let mut command = Command::new(psql);
    command.args(["-X", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1"]).arg(connection);
    command.args(["-c", query]).output().expect("psql runs")
}

#[track_caller]
fn answer(output: &Output) -> String {
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {complaints}", output.status);
    String::from_utf8(output.stdout.clone()).expect("text").trim_end().to_owned()
}

#[test]
fn psql_over_tls_asks_a_postgres_that_speaks_none() {
    let Some(certificates) = certificates() else { return };
    let (Some(client), Some(server)) = (program("psql"), Postgres::start("psql")) else { return };
    let verified = format!("sslmode=verify-full sslrootcert={}", certificates.ca.display());
    for host in HOSTS {
        let front = front(certificates, &server.backend(), &format!("--host {host}"));
        let ask = |words: &str, query: &str| answer(&psql(&client, &front.ready(), words, query));
        assert_eq!(ask("sslmode=require", "select 6 * 7"), "42");
        assert_eq!(ask(&verified, "select current_user"), "tester");
        assert!(ask(&verified, "\\conninfo").contains("TLS"));
        // For Postgres the connection is in the clear.
        let clear = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
        assert_eq!(ask("sslmode=require", clear), "f");
        let long = ask("sslmode=require", "select repeat('0123456789', 200000)");
        assert_eq!(long, "0123456789".repeat(200_000));
    }
}

#[test]
fn psql_without_tls_is_told_so_in_postgres_own_words() {
    let Some(certificates) = certificates() else { return };
    let Some(client) = program("psql") else { return };
    let front = front(certificates, "unix:/nowhere/socket", "");
    let refused = psql(&client, &front.ready(), "sslmode=disable", "select 1");
    assert!(!refused.status.success());
    let complaint = String::from_utf8_lossy(&refused.stderr);
    assert!(complaint.contains("FATAL:  this server wants TLS"), "{complaint}");
    front.stderr.until_said("CUSTOM_RAW DENIED code 1: the client began without asking for TLS");
}

#[test]
fn requests_are_answered_one_after_the_other_and_cut_anywhere() {
    let Some(certificates) = certificates() else { return };
    let front = front(certificates, "unix:/nowhere/socket", "");
    let tls = tls_client(certificates, rustls::ALL_VERSIONS);
    for cut in 0..SSL_REQUEST.len() {
        let mut client = connect(&front.ready());
        client.say(&GSSENC_REQUEST[..cut]);
        client.say(&GSSENC_REQUEST[cut..]);
        assert_eq!(client.exactly(1), b"N");
        client.say(&SSL_REQUEST[..cut]);
        client.say(&SSL_REQUEST[cut..]);
        assert_eq!(client.exactly(1), b"S");
        // No server is behind it, so nothing but an end follows the handshake.
        let mut client = tls_over(&tls, client);
        assert_eq!(client.last_words(), b"");
        assert!(client.conn.peer_certificates().is_some(), "the handshake was made");
    }
}

#[test]
fn bytes_behind_the_request_are_refused() {
    let Some(certificates) = certificates() else { return };
    let front = front(certificates, "unix:/nowhere/socket", "");
    let mut client = connect(&front.ready());
    client.say(&[&SSL_REQUEST[..], b"select 1"].concat());
    assert_eq!(client.last_words(), b"");
    front.stderr.until_said("DENIED code 2: bytes came behind the request for TLS");
}
