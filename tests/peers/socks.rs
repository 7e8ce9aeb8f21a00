//! SOCKS servers of other projects between proxy and the destination.

use std::process::Command;

use crate::certificates::certificates;
use crate::curl::curl;
use crate::ends::{End, at, connect, listen, listen_at};
use crate::nginx::{OWN_FOLDERS, nginx};
use crate::place::Place;
use crate::running::Running;
use crate::servers::{HOSTS, proxy, whoami};
use crate::support::{missing, peer};

/// Neither server can be given a listener or reports which port it took. This address is used by these
/// tests alone: a port of it that was free a moment ago is still free.
const OWN: &str = "127.0.77.1";
/// Nothing waits until the servers listen: until then attempts fail, a second apart.
const PATIENTLY: &str = "--retries 15";

fn free_port() -> u16 {
    at(&listen_at(&format!("{OWN}:0"))).port()
}

fn microsocks(words: &[&str]) -> Option<(String, Running)> {
    let port = free_port();
    let mut command = Command::new(peer("microsocks")?);
    command.args(["-i", OWN, "-p", &port.to_string()]).args(words);
    Some((format!("{OWN}:{port}"), Running::spawn(&mut command)))
}

/// Dante, which speaks versions 4 and 5.
fn dante(place: &Place) -> Option<(String, Running)> {
    let program = peer("danted")?;
    let port = free_port();
    let config = format!(
        "logoutput: stderr\ninternal: {OWN} port = {port}\nexternal: lo\nsocksmethod: none\n\
         clientmethod: none\nclient pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 }}\n\
         socks block {{ from: 0.0.0.0/0 to: 127.0.0.99/32 }}\n\
         socks pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 }}\n"
    );
    let mut command = Command::new(program);
    command.arg("-f").arg(place.write("danted.conf", &config));
    command.arg("-p").arg(place.join("danted.pid"));
    let dante = Running::spawn(&mut command).ended_by_a_signal();
    Some((format!("{OWN}:{port}"), dante))
}

/// A session through `server` with whoami, which sends first and then echoes.
fn reaches_whoami(server: &str, host: &str, version: &str, by_name: bool, login: &str) {
    let whoami = whoami("");
    let address = whoami.ready();
    let (ip, port) = address.rsplit_once(':').expect("an address");
    let name = if by_name { "localhost" } else { ip };
    let proxy = proxy(&format!(
        "--backend {server} --socks {version} {name}:{port} {login} {PATIENTLY} --host {host}"
    ));
    let mut client = connect(&proxy.ready());
    client.say(b"abc");
    let greeting = client.line();
    assert!(greeting.ends_with(&format!(" {ip} {port}\n")), "{greeting}");
    assert_eq!(client.exactly(3), b"abc");
    client.finish_writing();
    assert_eq!(client.rest().expect("an orderly end"), b"");
}

#[test]
fn microsocks_reaches_whoami_with_and_without_a_login() {
    for host in HOSTS {
        let Some((open, _microsocks)) = microsocks(&[]) else { return };
        reaches_whoami(&open, host, "5", false, "");
        reaches_whoami(&open, host, "5", true, "");
        // The login is offered, and not accepted.
        reaches_whoami(&open, host, "5", false, "--socks-login fred secret");
        let Some((closed, _microsocks)) = microsocks(&["-u", "fred", "-P", "secret"]) else {
            return;
        };
        reaches_whoami(&closed, host, "5", false, "--socks-login fred secret");
    }
}

#[test]
fn dante_reaches_whoami_by_version_4_and_by_5() {
    let place = Place::new("dante");
    let Some((server, _dante)) = dante(&place) else { return };
    for host in HOSTS {
        reaches_whoami(&server, host, "4", false, "");
        reaches_whoami(&server, host, "4a", false, "");
        reaches_whoami(&server, host, "5", false, "");
        reaches_whoami(&server, host, "5", true, "");
    }
}

/// What proxy logs about a connection that a server which listens refuses.
fn refusal(server: &str, words: &str) -> String {
    let proxy = proxy(&format!("--backend {server} --socks {words} --retries 0 --log"));
    let mut client = connect(&proxy.ready());
    client.say(b"abc");
    let _ = client.rest();
    let line =
        |text: &str| text.lines().find(|line| line.contains("SOCKS_RECV")).map(str::to_owned);
    proxy.stderr.until("a refusal", line)
}

#[test]
fn a_refusal_is_told_in_words() {
    let place = Place::new("dante-refuses");
    let Some((closed, _microsocks)) = microsocks(&["-u", "fred", "-P", "secret"]) else { return };
    let Some((dante, _dante)) = dante(&place) else { return };
    // Now both listen.
    reaches_whoami(&closed, "epoll", "5", false, "--socks-login fred secret");
    reaches_whoami(&dante, "epoll", "5", false, "");
    let nobody = format!("{OWN}:{}", free_port());
    for (server, words, expected) in [
        (&closed, format!("5 {nobody}"), "none is configured"),
        (
            &closed,
            format!("5 {nobody} --socks-login fred wrong"),
            "refuses the user or the password",
        ),
        (&closed, format!("5 {nobody} --socks-login fred secret"), "the destination refused"),
        (&dante, "4 127.0.0.99:80".to_owned(), "refused the request"),
        (&dante, "5 127.0.0.99:80".to_owned(), "rules do not allow"),
    ] {
        let said = refusal(server, &words);
        assert!(said.contains(expected), "{words}: {said}");
    }
}

#[test]
fn curl_gets_the_page_of_nginx_behind_tls_behind_socks() {
    let Some(made) = certificates() else { return };
    let place = Place::new("curl-socks");
    let listener = listen();
    let address = at(&listener);
    let (chain, key) = (made.server.display(), made.server_key.display());
    let blocks = format!(
        "http {{ {OWN_FOLDERS} access_log off; server {{ listen {address} ssl; \
         ssl_certificate {chain}; ssl_certificate_key {key}; return 200 'the page'; }} }}\n"
    );
    let Some(_nginx) = nginx(&place, &listener, &blocks) else { return };
    let Some((server, _microsocks)) = microsocks(&[]) else { return };
    let proxy = proxy(&format!(
        "--backend {server} --socks 5 {address} {PATIENTLY} --backend-tls {} --sni localhost",
        made.ca.display()
    ));
    let Some(answer) = curl(&format!("http://{}/", proxy.ready()), made) else { return };
    assert_eq!(answer, "the page");
}

/// A server made of the Perl library IO::Socket::Socks, for version 4a: it answers with the destination
/// that it understood.
const PERL: &str = r#"
use IO::Socket::Socks qw(:constants);
$| = 1;
my $server = IO::Socket::Socks->new(
    SocksVersion => 4, SocksResolve => 1, ProxyAddr => shift, ProxyPort => 0, Listen => 5) or die;
print "ready ", $server->sockhost, ":", $server->sockport, "\n";
while (my $client = $server->accept) {
    my ($command, $host, $port) = @{$client->command};
    $client->command_reply(REQUEST_GRANTED, "0.0.0.0", 0);
    syswrite $client, "$command $host $port\n";
    close $client;
}
"#;

#[test]
fn a_name_reaches_a_server_of_version_4a() {
    let Some(perl) = peer("perl") else { return };
    let has_library = Command::new(&perl).args(["-MIO::Socket::Socks", "-e1"]).output();
    if !has_library.expect("perl runs").status.success() {
        missing::<()>("IO::Socket::Socks of Perl");
        return;
    }
    let server = Running::spawn(Command::new(perl).args(["-e", PERL, OWN]));
    let address = server.ready();
    for (to, expected) in [("example.net:81", "example.net 81"), ("192.0.2.1:80", "192.0.2.1 80")] {
        let proxy = proxy(&format!("--backend {address} --socks 4a {to}"));
        let mut client = connect(&proxy.ready());
        assert_eq!(client.line(), format!("1 {expected}\n"));
    }
}
