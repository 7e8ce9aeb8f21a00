//! The programs under test, started with the words of a command line.

use std::net::TcpStream;
use std::process::Command;
use std::thread::{self, JoinHandle};

use crate::ends::{End, accept, at, listen};
use crate::examples::example;
use crate::remote::suite::proxy_behind_an_agent;
use crate::running::Running;
use crate::threads::with_threads;

/// The ways in which `proxy` can be hosted.
pub(crate) const HOSTS: [&str; 3] = ["epoll", "epoll-et", "mio"];

/// A command of an example program; a word must not contain a blank.
pub(crate) fn command(name: &str, words: &str) -> Command {
    let mut command = Command::new(example(name));
    if !words.contains("--listen") {
        command.args(["--listen", "127.0.0.1:0"]);
    }
    command.args(words.split_whitespace());
    command
}

pub(crate) fn whoami(words: &str) -> Running {
    Running::spawn(&mut command("whoami", words))
}

pub(crate) fn proxy(words: &str) -> Running {
    let words = &with_threads(words);
    proxy_behind_an_agent(words).unwrap_or_else(|| Running::spawn(&mut command("proxy", words)))
}

/// A server of one connection, which `serve` gets. Its address is the first half of the result.
pub(crate) fn backend<T: Send + 'static>(
    serve: impl FnOnce(TcpStream) -> T + Send + 'static,
) -> (String, JoinHandle<T>) {
    let listener = listen();
    let address = at(&listener).to_string();
    (address, thread::spawn(move || serve(accept(&listener))))
}

/// Sends back what arrives until the peer ends its side, then ends its own.
pub(crate) fn echo(stream: &mut impl End) {
    let mut chunk = vec![0; 16 * 1024];
    loop {
        match stream.read(&mut chunk).expect("the peer goes on") {
            0 => break,
            count => stream.say(&chunk[..count]),
        }
    }
    stream.finish_writing();
}

/// A server that echoes on every connection, each in a thread of its own, until the test ends.
pub(crate) fn echo_server() -> String {
    let listener = listen();
    let address = at(&listener).to_string();
    thread::spawn(move || {
        // The deadline of accept ends the thread of a test that is over.
        while let Ok((mut stream, _)) = listener.accept() {
            thread::spawn(move || {
                let mut chunk = [0; 4096];
                loop {
                    match std::io::Read::read(&mut stream, &mut chunk) {
                        Ok(0) | Err(_) => return,
                        Ok(count) => {
                            if std::io::Write::write_all(&mut stream, &chunk[..count]).is_err() {
                                return;
                            }
                        }
                    }
                }
            });
        }
    });
    address
}

/// What a joined thread returned; if it panicked, this panics.
pub(crate) fn joined<T>(thread: JoinHandle<T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
