//! Descriptors that are passed over a unix socket.

use std::io::IoSlice;

use super::rig::{Rig, agree};
use crate::sys::{Family, Fd};

/// More than any text here.
const ALL: usize = 64;

/// Passes `fd` over a link, and takes what comes out.
fn passed_on(rig: &mut Rig, (giver, taker): (Fd, Fd), fd: Fd) -> Fd {
    rig.pass(giver, b"take it", fd);
    rig.until(taker, |ready| ready.read);
    rig.hear_passed(taker, ALL).expect("it comes with its bytes")
}

fn close_all(rig: &mut Rig, fds: &[Fd]) {
    fds.iter().for_each(|fd| rig.net.close(*fd));
}

#[test]
fn a_passed_socket_is_another_handle_of_the_same_connection() {
    agree(|rig| {
        let link = rig.link();
        let (near, far) = rig.pair();
        let copy = passed_on(rig, link, near);
        rig.say(far, b"first second");
        rig.until(copy, |ready| ready.read);
        let mut buf = [0; 6];
        let part = rig.net.recv(near, &mut buf);
        rig.see("a part", part);
        rig.hear(copy);
        rig.say(near, b"one ");
        rig.say(copy, b"two");
        rig.net.close(near);
        rig.until(far, |ready| ready.read);
        rig.ready_now(copy);
        rig.say(copy, b" three");
        rig.net.close(copy);
        rig.until(far, |ready| ready.rdhup);
        let mut text = Vec::new();
        while let Ok(n @ 1..) = rig.net.recv(far, &mut buf) {
            text.extend_from_slice(&buf[..n]);
        }
        rig.see("all of it", text);
        close_all(rig, &[far, link.0, link.1]);
    });
}

#[test]
fn bytes_around_a_descriptor_keep_their_order_and_a_read_ends_with_its_message() {
    for (most, plain) in [(ALL, false), (3, false), (1, false), (ALL, true), (2, true)] {
        agree(|rig| {
            let link = rig.link();
            let (near, far) = rig.pair();
            rig.say(link.0, b"a");
            rig.pass(link.0, b"bcd", near);
            rig.pass(link.0, b"e", far);
            rig.say(link.0, b"fg");
            rig.say(link.0, b"h");
            rig.pass(link.0, b"ij", near);
            rig.until(link.1, |ready| ready.read);
            for _ in 0..11 {
                if plain {
                    let mut buf = vec![0; most];
                    let answer = rig.net.recv(link.1, &mut buf);
                    rig.see("plain", (answer, buf));
                } else if let Some(fd) = rig.hear_passed(link.1, most) {
                    rig.ready_now(fd);
                    rig.net.close(fd);
                }
            }
            close_all(rig, &[near, far, link.0, link.1]);
        });
    }
}

#[test]
fn a_descriptor_outlives_both_who_sent_it_and_the_link() {
    agree(|rig| {
        let link = rig.link();
        let (near, far) = rig.pair();
        rig.pass(link.0, b"x", near);
        close_all(rig, &[link.0, near]);
        rig.until(link.1, |ready| ready.rdhup);
        rig.ready_now(far);
        let near = rig.hear_passed(link.1, ALL).expect("it comes");
        rig.hear(link.1);
        rig.net.close(link.1);
        rig.say(near, b"still there");
        rig.until(far, |ready| ready.read);
        rig.hear(far);
        close_all(rig, &[near, far]);
    });
}

#[test]
fn a_descriptor_that_nobody_takes_is_closed() {
    for way in 0..3 {
        agree(|rig| {
            let link = rig.link();
            let (near, far) = rig.pair();
            rig.pass(link.0, b"x", near);
            rig.net.close(near);
            rig.until(link.1, |ready| ready.read);
            rig.ready_now(far);
            match way {
                0 => rig.hear(link.1),
                1 => {
                    let pipe = rig.net.pipe().expect("a pipe");
                    rig.splice_in(link.1, &pipe, ALL);
                    rig.net.close_pipe(pipe);
                }
                _ => {
                    rig.net.close(link.1);
                    rig.until(far, |ready| ready.rdhup);
                    rig.hear(far);
                    rig.until(link.0, |ready| ready.hup);
                    rig.pass(link.0, b"x", far);
                    close_all(rig, &[far, link.0]);
                    return;
                }
            }
            rig.until(far, |ready| ready.rdhup);
            rig.hear(far);
            close_all(rig, &[far, link.0, link.1]);
        });
    }
}

#[test]
fn one_handle_ends_the_direction_of_all() {
    agree(|rig| {
        let link = rig.link();
        let (near, far) = rig.pair();
        let copy = passed_on(rig, link, near);
        rig.shut(copy);
        rig.until(far, |ready| ready.rdhup);
        rig.hear(far);
        rig.say(near, b"too late");
        rig.net.close(copy);
        rig.say(far, b"answer");
        rig.until(near, |ready| ready.read);
        rig.hear(near);
        close_all(rig, &[near, far, link.0, link.1]);
    });
}

#[test]
fn a_reset_of_one_handle_is_made_by_the_close_of_the_last() {
    for first in [true, false] {
        agree(|rig| {
            let link = rig.link();
            let (near, far) = rig.pair();
            let copy = passed_on(rig, link, near);
            if first {
                rig.net.reset(near);
                rig.ready_now(far);
                rig.say(copy, b"not yet");
                rig.until(far, |ready| ready.read);
                rig.hear(far);
                rig.net.close(copy);
            } else {
                rig.net.close(copy);
                rig.net.reset(near);
            }
            rig.until(far, |ready| ready.hup);
            rig.ask_everything(far);
            close_all(rig, &[far, link.0, link.1]);
        });
    }
}

#[test]
fn a_listener_and_an_idle_socket_can_be_passed() {
    agree(|rig| {
        let link = rig.link();
        let (listener, at) = rig.listen(1);
        let copy = passed_on(rig, link, listener);
        rig.net.close(listener);
        let idle = rig.socket();
        let near = passed_on(rig, link, idle);
        rig.net.close(idle);
        let far = rig.meet(near, copy, &at);
        rig.connect(near, &at);
        rig.say(near, b"hello");
        rig.until(far, |ready| ready.read);
        rig.hear(far);
        close_all(rig, &[near, far, copy, link.0, link.1]);
    });
}

#[test]
fn a_link_may_be_passed_over_itself() {
    agree(|rig| {
        let link = rig.link();
        let copy = passed_on(rig, link, link.0);
        rig.net.close(link.0);
        rig.say(copy, b"through the copy");
        rig.until(link.1, |ready| ready.read);
        rig.hear_passed(link.1, ALL);
        rig.net.close(copy);
        rig.until(link.1, |ready| ready.rdhup);
        rig.hear_passed(link.1, ALL);
        rig.net.close(link.1);
    });
}

#[test]
fn what_cannot_be_passed_sends_nothing() {
    agree(|rig| {
        let link = rig.link();
        let (near, far) = rig.pair();
        if rig.family != Family::Unix {
            rig.pass(near, b"x", far);
        }
        rig.hear_passed(far, ALL);
        let idle = rig.socket();
        rig.pass(idle, b"x", far);
        rig.hear_passed(idle, ALL);
        let (listener, _) = rig.listen(1);
        rig.pass(listener, b"x", far);
        rig.hear_passed(listener, ALL);
        rig.shut(link.0);
        rig.pass(link.0, b"x", far);
        rig.until(link.1, |ready| ready.rdhup);
        rig.hear_passed(link.1, ALL);
        rig.say(near, b"bytes alone");
        rig.until(far, |ready| ready.read);
        rig.hear_passed(far, ALL);
        rig.net.reset(near);
        rig.until(far, |ready| ready.hup);
        rig.hear_passed(far, ALL);
        rig.hear_passed(far, ALL);
        close_all(rig, &[idle, listener, far, link.0, link.1]);
    });
}

#[test]
fn a_full_link_passes_nothing() {
    agree(|rig| {
        let link = rig.link();
        let (near, far) = rig.pair();
        let block = [b'.'; 16 * 1024];
        let fill = |rig: &mut Rig| {
            while rig.net.send(link.0, &[IoSlice::new(&block)], false).is_ok() {}
            // What is left is less than a block.
            while rig.net.send(link.0, &[IoSlice::new(b".")], false).is_ok() {}
        };
        fill(rig);
        if let Some(world) = &rig.world {
            world.settle();
        }
        fill(rig);
        rig.pass(link.0, b"x", near);
        rig.net.close(near);
        rig.until(far, |ready| ready.rdhup);
        rig.hear(far);
        close_all(rig, &[far, link.0, link.1]);
    });
}
