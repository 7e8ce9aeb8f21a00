//! The example of a mail server whose TLS begins in the middle, with the clients of other projects.

use std::io::Write;
use std::process::{Command, Output};

use crate::certificates::{Certificates, certificates};
use crate::ends::{End, connect, tls_client, tls_over};
use crate::openssl::{finish, keys, s_client};
use crate::place::Place;
use crate::running::Running;
use crate::servers::{HOSTS, command};
use crate::support::peer;

fn smtp(certificates: &Certificates, words: &str) -> Running {
    Running::spawn(&mut command("smtp", &format!("{} {words}", keys(certificates))))
}

#[test]
fn s_client_starts_tls_of_either_version_and_goes_on() {
    let Some(certificates) = certificates() else { return };
    for host in HOSTS {
        let smtp = smtp(certificates, &format!("--host {host}"));
        for (word, version) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
            let words = format!("-starttls smtp {word}");
            let mut client = s_client(certificates, &smtp.ready(), &words);
            client.stdout.until_said(&format!("New, {version}, Cipher is"));
            client.input().write_all(b"NOOP\r\nMAIL FROM:<a@a.test>\r\n").expect("it listens");
            client.stdout.until_said("250 2.0.0 as you like");
            client.stdout.until_said("250 2.1.0 fine");
            client.input().write_all(b"EHLO again\r\nQUIT\r\n").expect("it listens");
            client.stdout.until_said("221 2.0.0 goodbye");
            finish(client);
        }
    }
}

/// Sends a mail with curl.
fn curl(place: &Place, at: &str, words: &[&str]) -> Option<Output> {
    let mail = place.write("mail", "Subject: hello\r\n\r\n.a line with a dot\r\n");
    let mut command = Command::new(peer("curl")?);
    command.args(["--silent", "--show-error", "--verbose", "--max-time", "20", "--noproxy", "*"]);
    command.args(["--mail-from", "a@a.test", "--mail-rcpt", "b@b.test", "--upload-file"]);
    command.arg(mail).args(words).arg(format!("smtp://{at}/client.test"));
    Some(command.output().expect("curl runs"))
}

#[test]
fn curl_that_requires_tls_delivers_and_curl_without_it_is_refused() {
    let Some(certificates) = certificates() else { return };
    for host in HOSTS {
        let place = Place::new(&format!("smtp-curl-{host}"));
        let smtp = smtp(certificates, &format!("--host {host}"));
        let ca = certificates.ca.display().to_string();
        let required = ["--ssl-reqd", "--cacert", &ca];
        let Some(sent) = curl(&place, &smtp.ready(), &required) else { return };
        let said = String::from_utf8_lossy(&sent.stderr);
        assert!(sent.status.success(), "{said}");
        assert!(said.contains("< 220 2.0.0 ready to start TLS"), "{said}");
        // 18 bytes of head and empty line, 21 of a line whose dot is doubled on the wire.
        assert!(said.contains("< 250 2.0.0 39 bytes, and thank you"), "{said}");

        let Some(refused) = curl(&place, &smtp.ready(), &[]) else { return };
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success());
        assert!(said.contains("< 530 5.7.0 Must issue a STARTTLS command first"), "{said}");
    }
}

#[test]
fn what_is_pipelined_behind_starttls_is_never_taken_for_protected() {
    let Some(certificates) = certificates() else { return };
    let smtp = smtp(certificates, "");
    let tls = tls_client(certificates, rustls::ALL_VERSIONS);

    // In one piece with the command: refused with an answer.
    let mut client = connect(&smtp.ready());
    assert_eq!(client.line(), "220 mail.test ESMTP\r\n");
    client.say(b"STARTTLS\r\nRSET\r\n");
    assert_eq!(client.last_words(), b"554 5.5.1 nothing may follow STARTTLS before TLS\r\n");

    // Behind the answer, where the handshake should begin: it is no handshake.
    let mut client = connect(&smtp.ready());
    client.line();
    client.say(b"starttls\r\n");
    assert_eq!(client.line(), "220 2.0.0 ready to start TLS\r\n");
    client.say(b"MAIL FROM:<injected@a.test>\r\n");
    let words = client.last_words();
    assert!(!words.windows(3).any(|three| three == b"250"), "{words:?}");
    smtp.stderr.until_said("ended: TLS_ACCEPT MALFORMED");

    // A client that does it correctly starts again, with TLS from then on.
    let mut client = connect(&smtp.ready());
    client.line();
    client.say(b"STARTTLS\r\n");
    client.line();
    let mut client = tls_over(&tls, client);
    client.say(b"STARTTLS\r\nEHLO me\r\nQUIT\r\n");
    assert_eq!(client.line(), "503 5.5.1 TLS is there already\r\n");
    assert_eq!(client.line(), "250 mail.test\r\n");
    assert_eq!(client.line(), "221 2.0.0 goodbye\r\n");
    assert_eq!(client.rest().expect("close_notify"), b"");
}

#[test]
fn a_line_without_an_end_is_refused() {
    let Some(certificates) = certificates() else { return };
    let smtp = smtp(certificates, "");
    let mut client = connect(&smtp.ready());
    client.line();
    client.say(&[b'x'; 4000]);
    assert_eq!(client.last_words(), b"500 5.5.2 that line is too long\r\n");
}
