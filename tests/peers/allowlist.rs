//! The example whose look-ups are made by another thread: allowed, refused, too late.

use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Instant;

use crate::ends::{End, connect};
use crate::place::Place;
use crate::running::{PATIENCE, Running};
use crate::servers::{HOSTS, command};
use crate::support::peer;

fn allowlist(file: &Path, words: &str) -> Running {
    Running::spawn(&mut command("allowlist", &format!("--allow {} {words}", file.display())))
}

/// What a client from another address of the loopback receives.
fn heard_from(source: &str, at: &str) -> Option<String> {
    let mut command = Command::new(peer("socat")?);
    command.args(["-t", "20", "-", &format!("TCP:{at},bind={source}")]);
    let output = command.stdin(std::process::Stdio::null()).output().expect("socat runs");
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn who_is_on_the_list_is_let_in_and_nobody_else() {
    for host in HOSTS {
        let place = Place::new(&format!("allowlist-{host}"));
        let file = place.write("list", "192.0.2.1\n127.0.0.1\r\n127.0.0.10\n");
        let ours = allowlist(&file, &format!("--host {host}"));
        let at = ours.ready();
        assert_eq!(connect(&at).last_words(), b"welcome\n");
        // The list is read again for every client.
        fs::write(&file, "127.0.0.10\n").expect("the folder is writable");
        assert_eq!(connect(&at).last_words(), b"");
        ours.stderr.until_said("refused: CUSTOM_RAW DENIED code 1");
        fs::remove_file(&file).expect("it was there");
        assert_eq!(connect(&at).last_words(), b"");
        ours.stderr.until_said("refused: CUSTOM_RAW DENIED code 3");
        fs::write(&file, "127.0.0.2\n").expect("the folder is writable");
        let Some(heard) = heard_from("127.0.0.2", &at) else { return };
        assert_eq!(heard, "welcome\n");
    }
}

#[test]
fn many_are_looked_up_at_once() {
    let place = Place::new("allowlist-many");
    let file = place.write("list", "127.0.0.1\n");
    let ours = allowlist(&file, "");
    let at = ours.ready();
    let clients: Vec<_> = (0..200).map(|_| connect(&at)).collect();
    for mut client in clients {
        assert_eq!(client.last_words(), b"welcome\n");
    }
}

/// A list that cannot be read before it is written.
fn slow_list(place: &Place) -> PathBuf {
    let path = place.join("list");
    let name = CString::new(path.as_os_str().as_bytes()).expect("no NUL");
    // SAFETY: the name ends with a NUL and outlives the call.
    let made = unsafe { libc::mkfifo(name.as_ptr(), 0o600) };
    assert_eq!(made, 0, "a pipe can be made");
    path
}

/// Writes the list as soon as a reader has opened it.
fn hand_out(path: &Path, text: &str) {
    let deadline = Instant::now() + PATIENCE;
    let nobody_reads = |why: &io::Error| why.raw_os_error() == Some(libc::ENXIO);
    loop {
        let mut options = File::options();
        match options.write(true).custom_flags(libc::O_NONBLOCK).open(path) {
            Ok(mut list) => return list.write_all(text.as_bytes()).expect("a pipe has room"),
            Err(why) => assert!(nobody_reads(&why) && Instant::now() < deadline, "{why}"),
        }
        thread::yield_now();
    }
}

#[test]
fn an_answer_that_is_slow_is_waited_for_and_one_that_is_too_slow_finds_nobody() {
    let place = Place::new("allowlist-slow");
    let file = slow_list(&place);
    let ours = allowlist(&file, "");
    let at = ours.ready();
    let mut client = connect(&at);
    hand_out(&file, "127.0.0.1\n");
    assert_eq!(client.last_words(), b"welcome\n");

    // The engine goes on while the look-up is blocked: its deadlines pass.
    assert_eq!(connect(&at).last_words(), b"");
    ours.stderr.until_said("refused: CUSTOM_RAW TIMED_OUT");
    hand_out(&file, "127.0.0.1\n");
    fs::remove_file(&file).expect("it is there");
    fs::write(&file, "127.0.0.1\n").expect("the folder is writable");
    let mut client = connect(&at);
    assert_eq!(client.last_words(), b"welcome\n");
}
