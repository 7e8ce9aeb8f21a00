//! Using up all descriptors, and recovering.

use std::net::{Shutdown, TcpStream};
use std::process::Command;

use crate::ends::{End, connect};
use crate::running::{Running, limit_descriptors};
use crate::servers::{HOSTS, command, echo_server};
use crate::support::peer;

/// Few enough that the crowd below exceeds them.
const FEW: u64 = 40;

/// More than `FEW` can hold, each with two descriptors.
const CROWD: usize = 60;

/// How many times it is observed that no pair of descriptors is left. Each is a tenth of a second after
/// the one before, so wake-ups that follow each other at once would be thousands by then.
const REFUSALS: usize = 5;

/// How many wake-ups may happen meanwhile, beside one for each of the crowd's own events.
const WAKE_UPS: usize = 8 * CROWD;

#[test]
fn a_proxy_out_of_descriptors_rests_and_every_client_that_waits_is_served() {
    let Some(strace) = peer("strace") else { return };
    let backend = echo_server();
    for host in HOSTS {
        let inner = command("proxy", &format!("--backend {backend} --host {host}"));
        let mut traced = Command::new(&strace);
        // The tracer is detached, so that the child is the proxy itself.
        traced.args(["-D", "-f", "-qq", "-o", "/dev/stderr"]);
        traced.args(["-e", "trace=accept4,accept,epoll_wait,epoll_pwait,epoll_pwait2,pipe2"]);
        traced.arg("--").arg(inner.get_program()).args(inner.get_args());
        limit_descriptors(&mut traced, FEW);
        let proxy = Running::spawn(&mut traced);
        let address = proxy.ready();
        let mut clients: Vec<TcpStream> = (0..CROWD)
            .map(|number| {
                let mut client = connect(&address);
                client.say(&token(number));
                client
            })
            .collect();
        let refused = |text: &str| {
            let lines = text.lines().filter(|line| line.contains("EMFILE"));
            (lines.count() >= REFUSALS).then(|| text.matches("epoll_").count())
        };
        let wake_ups = proxy.stderr.until("descriptors that are not there", refused);
        assert!(wake_ups <= WAKE_UPS, "{wake_ups} wake-ups while nothing could be done");
        // One after the other: each that ends makes room for one that waits.
        for (number, client) in clients.iter_mut().enumerate() {
            let _ = client.shutdown(Shutdown::Write);
            assert_eq!(client.last_words(), token(number));
        }
        let mut client = connect(&address);
        client.say(b"abc");
        assert_eq!(client.exactly(3), b"abc", "there is room again");
    }
}

fn token(number: usize) -> Vec<u8> {
    format!("{number:08}").into_bytes()
}
