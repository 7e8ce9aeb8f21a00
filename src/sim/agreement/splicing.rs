//! Pipes between sockets, and what is not acknowledged.

use super::rig::{Rig, agree};
use crate::sys::{Errno, Fd, Pipe};

/// A pipe that holds `text`, which was read from a connection that is closed now.
fn filled(rig: &mut Rig, text: &[u8]) -> Pipe {
    let (near, far) = rig.pair();
    let pipe = rig.net.pipe().expect("a pipe");
    rig.say(near, text);
    rig.until(far, |ready| ready.read);
    rig.splice_in(far, &pipe, text.len());
    rig.net.close(near);
    rig.net.close(far);
    pipe
}

/// Every splice that a program can make with a dead or unrelated descriptor.
fn splice_everything(rig: &mut Rig, fd: Fd) {
    let empty = rig.net.pipe().expect("a pipe");
    let pipe = filled(rig, b"xy");
    rig.ready_now(fd);
    rig.splice_out(&empty, fd, 1);
    rig.splice_in(fd, &empty, 64);
    rig.splice_out(&pipe, fd, 1);
    rig.splice_in(fd, &pipe, 64);
    rig.error(fd);
    rig.splice_in(fd, &pipe, 64);
    rig.splice_out(&pipe, fd, 1);
    rig.ready_now(fd);
    rig.net.close_pipe(empty);
    rig.net.close_pipe(pipe);
}

#[test]
fn bytes_through_a_pipe_and_then_the_end() {
    agree(|rig| {
        let (near, near_side) = rig.pair();
        let (far_side, far) = rig.pair();
        let pipe = rig.net.pipe().expect("a pipe");
        rig.see("capacity", pipe.capacity);
        rig.splice_in(near_side, &pipe, 64);
        rig.splice_out(&pipe, far_side, 64);
        rig.say(near, b"request");
        rig.shut(near);
        rig.until(near_side, |ready| ready.rdhup);
        rig.splice_in(near_side, &pipe, 3);
        rig.splice_in(near_side, &pipe, 64);
        rig.splice_in(near_side, &pipe, 64);
        rig.splice_out(&pipe, far_side, 2);
        rig.splice_out(&pipe, far_side, 5);
        rig.splice_out(&pipe, far_side, 1);
        rig.until(far, |ready| ready.read);
        rig.hear(far);
        rig.splice_in(near_side, &pipe, 64);
        rig.net.close_pipe(pipe);
        for fd in [near, near_side, far_side, far] {
            rig.net.close(fd);
        }
    });
}

#[test]
fn a_pipe_full_of_small_parts() {
    agree(|rig| {
        let (near, far) = rig.pair();
        let pipe = rig.net.pipe().expect("a pipe");
        for _ in 0..=pipe.capacity / 4096 {
            rig.say(near, b"x");
            rig.until(far, |ready| ready.read);
            rig.splice_in(far, &pipe, 1);
        }
        // The end of input and a reset are behind the full pipe too.
        rig.shut(near);
        rig.until(far, |ready| ready.rdhup);
        rig.splice_in(far, &pipe, 1);
        rig.splice_out(&pipe, far, 2);
        rig.splice_in(far, &pipe, 64);
        rig.splice_in(far, &pipe, 64);
        rig.until(near, |ready| ready.read);
        rig.hear(near);
        rig.net.close_pipe(pipe);
        rig.net.close(near);
        rig.net.close(far);
    });
}

#[test]
fn splices_on_a_reset_connection() {
    agree(|rig| {
        let (near, far) = rig.pair();
        rig.net.reset(far);
        rig.until(near, |ready| ready.hup);
        splice_everything(rig, near);
        rig.net.close(near);
    });
}

#[test]
fn a_splice_after_a_reset_tells_the_error_first() {
    agree(|rig| {
        let pipe = filled(rig, b"x");
        let (near, far) = rig.pair();
        rig.net.reset(far);
        rig.until(near, |ready| ready.hup);
        rig.splice_out(&pipe, near, 1);
        rig.splice_out(&pipe, near, 1);
        rig.splice_in(near, &pipe, 1);
        rig.net.close_pipe(pipe);
        rig.net.close(near);
    });
}

#[test]
fn splices_of_data_before_a_reset() {
    agree(|rig| {
        let (near, far) = rig.pair();
        rig.say(far, b"last words");
        rig.until(near, |ready| ready.read);
        rig.net.reset(far);
        rig.until(near, |ready| ready.hup);
        splice_everything(rig, near);
        rig.net.close(near);
    });
}

#[test]
fn a_splice_to_the_closed() {
    agree(|rig| {
        let (near, far) = rig.pair();
        rig.net.close(far);
        rig.until(near, |ready| ready.rdhup);
        let pipe = filled(rig, b"is anybody there");
        rig.splice_out(&pipe, near, 2);
        rig.until(near, |ready| ready.hup);
        rig.net.close_pipe(pipe);
        splice_everything(rig, near);
        rig.net.close(near);
    });
}

#[test]
fn splices_after_both_have_ended() {
    agree(|rig| {
        let (near, far) = rig.pair();
        rig.shut(near);
        rig.shut(far);
        rig.until(near, |ready| ready.hup);
        rig.until(far, |ready| ready.hup);
        splice_everything(rig, near);
        splice_everything(rig, far);
        rig.net.close(near);
        rig.net.close(far);
    });
}

#[test]
fn splices_on_what_is_not_connected() {
    agree(|rig| {
        let fd = rig.socket();
        splice_everything(rig, fd);
        rig.net.close(fd);
        let (listener, _) = rig.listen(1);
        splice_everything(rig, listener);
        rig.net.close(listener);
    });
}

#[test]
fn splices_on_an_attempt_that_nobody_answers() {
    agree(|rig| {
        let (listener, at) = rig.listen(0);
        let first = rig.socket();
        let _ = rig.net.connect(first, &at);
        rig.until(first, |ready| ready.write);
        rig.until(listener, |ready| ready.read);
        let near = rig.socket();
        rig.connect(near, &at);
        rig.unsent(near);
        splice_everything(rig, near);
        for fd in [near, first, listener] {
            rig.net.close(fd);
        }
    });
}

#[test]
fn a_full_socket_keeps_the_pipe_as_it_is() {
    agree(|rig| {
        let (near, far) = rig.pair();
        let (giver, taker) = rig.pair();
        let pipe = rig.net.pipe().expect("a pipe");
        let block = [b'.'; 16 * 1024];
        let (mut sent, mut held) = (0, 0);
        loop {
            if held == 0 {
                rig.give(giver, &block);
                rig.until_readable(taker);
                held = rig.net.splice_in(taker, &pipe, block.len()).expect("it is readable");
            }
            match rig.net.splice_out(&pipe, near, held, false) {
                Ok(n) => {
                    held -= n;
                    sent += n;
                }
                Err(errno) => {
                    assert_eq!(errno, Errno::AGAIN);
                    // Bytes in flight make room when they have arrived.
                    if let Some(world) = &rig.world {
                        world.settle();
                    }
                    if !rig.ready(near).write {
                        break;
                    }
                }
            }
        }
        rig.net.settle_signals();
        rig.splice_out(&pipe, near, held);
        let mut buf = vec![0; block.len()];
        let mut read = 0;
        while read < sent {
            rig.until_readable(far);
            read += rig.net.recv(far, &mut buf).expect("it is readable");
        }
        rig.see("every byte", read == sent);
        rig.until(near, |ready| ready.write);
        let rest = rig.net.splice_out(&pipe, near, held, false);
        rig.see("what the pipe held", rest == Ok(held));
        rig.net.settle_signals();
        rig.net.close_pipe(pipe);
        for fd in [near, far, giver, taker] {
            rig.net.close(fd);
        }
    });
}

#[test]
fn what_is_not_acknowledged() {
    agree(|rig| {
        let (near, far) = rig.pair();
        rig.unsent(near);
        rig.say(near, b"something");
        rig.until(far, |ready| ready.read);
        rig.hear(far);
        rig.until_acknowledged(near);
        rig.shut(near);
        rig.until(far, |ready| ready.rdhup);
        rig.until_acknowledged(near);
        rig.net.close(far);
        rig.until(near, |ready| ready.hup);
        rig.unsent(near);
        rig.net.close(near);

        let fd = rig.socket();
        rig.unsent(fd);
        rig.net.close(fd);
        let (listener, _) = rig.listen(1);
        rig.unsent(listener);
        rig.net.close(listener);
    });
}
