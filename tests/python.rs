//! The library from Python, with ctypes alone, by the program in `python/` that shows how.
#![cfg(unix)]

#[path = "support/artifacts.rs"]
mod artifacts;
mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const CONNECTIONS: usize = 100;
const PATIENCE: Duration = Duration::from_secs(30);

/// Ends the program also when the test fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already if all went well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_ctypes_program_serves_a_hundred_connections_with_their_announced_addresses() {
    let Some(python) = support::peer("python3") else { return };
    let folder = &artifacts::artifacts().folder;
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/vestibule_demo.py");
    let mut command = Command::new(python);
    command.arg("-B").arg(program).arg(folder.join("libvestibule.so.0"));
    command.arg(CONNECTIONS.to_string()).stdout(Stdio::piped());
    let mut child = Running(command.spawn().expect("python runs"));
    let mut says = BufReader::new(child.0.stdout.take().expect("it is piped"));
    let mut address = String::new();
    says.read_line(&mut address).expect("it says where it listens");

    for number in 0..CONNECTIONS {
        let mut client = TcpStream::connect(address.trim()).expect("it listens");
        client.set_read_timeout(Some(PATIENCE)).expect("a socket option");
        let port = 1000 + number;
        let long = "x".repeat(number * 97);
        write!(client, "PROXY TCP4 192.0.2.1 192.0.2.2 {port} 80\r\nfirst\n{long}\n")
            .expect("it reads");
        client.shutdown(Shutdown::Write).expect("a half-close");
        let mut answer = String::new();
        client.read_to_string(&mut answer).expect("it answers");
        assert_eq!(answer, format!("192.0.2.1:{port} first\n192.0.2.1:{port} {long}\n"));
    }
    let status = child.0.wait().expect("it ends by itself");
    assert!(status.success(), "{status}");
}
