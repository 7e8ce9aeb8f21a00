//! The same scripts against the kernel and against the simulated network: what a program observes must
//! be the same, or tests on the simulator prove nothing. Amounts are left out, since buffers differ.

mod passing;
mod rig;
mod splicing;

use std::io::IoSlice;

use rig::{agree, spec};

use crate::sys::{Errno, Family};

#[test]
fn a_half_close_and_then_the_other_half() {
    agree(|rig| {
        let (near, far) = rig.pair();
        rig.say(near, b"request");
        rig.shut(near);
        rig.until(far, |ready| ready.rdhup);
        rig.hear(far);
        rig.hear(far);
        rig.hear(far);
        rig.say(far, b"answer");
        rig.until(near, |ready| ready.read);
        rig.hear(near);
        rig.hear(near);
        rig.say(near, b"too late");
        rig.shut(near);
        rig.shut(far);
        rig.until(near, |ready| ready.hup);
        rig.until(far, |ready| ready.hup);
        for fd in [near, far] {
            rig.ask_everything(fd);
            rig.net.close(fd);
        }
    });
}

#[test]
fn a_close_with_unread_data() {
    agree(|rig| {
        let (near, far) = rig.pair();
        rig.say(near, b"nobody reads this");
        rig.until(far, |ready| ready.read);
        rig.net.close(far);
        rig.until(near, |ready| ready.hup);
        rig.ask_everything(near);
        rig.net.close(near);
    });
}

#[test]
fn a_send_after_a_reset() {
    agree(|rig| {
        let (near, far) = rig.pair();
        rig.net.reset(far);
        rig.until(near, |ready| ready.hup);
        rig.say(near, b"x");
        rig.ask_everything(near);
        rig.net.close(near);
    });
}

#[test]
fn the_pending_error_is_told_once_by_whoever_asks_first() {
    agree(|rig| {
        let (near, far) = rig.pair();
        rig.net.reset(far);
        rig.until(near, |ready| ready.hup);
        rig.error(near);
        rig.ask_everything(near);
        rig.net.close(near);
    });
}

#[test]
fn data_before_a_reset() {
    agree(|rig| {
        let (near, far) = rig.pair();
        rig.say(far, b"last words");
        rig.until(near, |ready| ready.read);
        rig.net.reset(far);
        rig.until(near, |ready| ready.hup);
        rig.hear(near);
        rig.ask_everything(near);
        rig.net.close(near);
    });
}

#[test]
fn a_close_and_then_a_write_to_the_closed() {
    agree(|rig| {
        let (near, far) = rig.pair();
        rig.say(far, b"all there is");
        rig.net.close(far);
        rig.until(near, |ready| ready.rdhup);
        rig.has_peer(near);
        rig.hear(near);
        rig.hear(near);
        rig.say(near, b"is anybody there");
        rig.until(near, |ready| ready.hup);
        rig.ask_everything(near);
        rig.net.close(near);
    });
}

#[test]
fn a_close_answered_by_a_close() {
    agree(|rig| {
        let (near, far) = rig.pair();
        rig.net.close(far);
        rig.until(near, |ready| ready.rdhup);
        rig.shut(near);
        rig.until(near, |ready| ready.hup);
        rig.ask_everything(near);
        rig.net.reset(near);
    });
}

#[test]
fn a_reset_after_a_fin_was_read() {
    agree(|rig| {
        let (near, far) = rig.pair();
        rig.shut(far);
        rig.until(near, |ready| ready.rdhup);
        rig.net.reset(far);
        rig.until(near, |ready| ready.hup);
        rig.error(near);
        rig.ask_everything(near);
        rig.net.close(near);
    });
}

#[test]
fn a_refused_connection() {
    agree(|rig| {
        let (listener, at) = rig.listen(1);
        rig.net.close(listener);
        for ask_first in [true, false] {
            let near = rig.socket();
            let started = rig.net.connect(near, &at);
            if started == Err(Errno(libc::EINPROGRESS)) {
                rig.until(near, |ready| ready.hup);
            } else {
                rig.see("connect", started);
            }
            if ask_first {
                rig.error(near);
                rig.hear(near);
            }
            if rig.family != Family::Unix {
                rig.connect(near, &at);
            }
            rig.ask_everything(near);
            rig.net.close(near);
        }
    });
}

#[test]
fn a_refused_connection_that_is_read_and_written_first() {
    agree(|rig| {
        let (listener, at) = rig.listen(1);
        rig.net.close(listener);
        let near = rig.socket();
        if rig.net.connect(near, &at) == Err(Errno(libc::EINPROGRESS)) {
            rig.until(near, |ready| ready.hup);
        }
        rig.ask_everything(near);
        rig.net.close(near);
    });
}

#[test]
fn a_connection_reset_before_it_was_known_to_be_established() {
    agree(|rig| {
        let (listener, at) = rig.listen(1);
        let near = rig.socket();
        let far = rig.meet(near, listener, &at);
        rig.net.reset(far);
        rig.until(near, |ready| ready.hup);
        rig.connect(near, &at);
        rig.ready_now(near);
        rig.hear(near);
        rig.net.close(near);
        rig.net.close(listener);
    });
}

#[test]
fn a_connection_reset_after_it_was_known_to_be_established() {
    agree(|rig| {
        let (listener, at) = rig.listen(1);
        let near = rig.socket();
        let far = rig.meet(near, listener, &at);
        rig.connect(near, &at);
        rig.net.reset(far);
        rig.until(near, |ready| ready.hup);
        rig.connect(near, &at);
        rig.ask_everything(near);
        rig.net.close(near);
        rig.net.close(listener);
    });
}

#[test]
fn a_connection_that_nobody_answers() {
    agree(|rig| {
        let (listener, at) = rig.listen(0);
        let first = rig.socket();
        let _ = rig.net.connect(first, &at);
        rig.until(first, |ready| ready.write);
        rig.until(listener, |ready| ready.read);
        let near = rig.socket();
        rig.connect(near, &at);
        rig.connect(near, &at);
        rig.ready_now(near);
        rig.hear(near);
        rig.say(near, b"x");
        rig.has_peer(near);
        rig.error(near);
        rig.shut(near);
        rig.ready_now(near);
        rig.hear(near);
        rig.net.close(near);
        rig.net.close(listener);
        rig.until(first, |ready| ready.hup);
        rig.ask_everything(first);
        rig.net.close(first);
    });
}

#[test]
fn a_connection_that_dies_in_the_backlog() {
    agree(|rig| {
        let (listener, at) = rig.listen(1);
        let near = rig.socket();
        let _ = rig.net.connect(near, &at);
        rig.until(near, |ready| ready.write);
        rig.until(listener, |ready| ready.read);
        rig.net.reset(near);
        let (far, _) = rig.net.accept(listener).expect("it waits all the same");
        rig.until(far, |ready| ready.hup);
        rig.ask_everything(far);
        rig.net.close(far);
        rig.net.close(listener);
    });
}

#[test]
fn a_full_buffer_would_block_until_it_is_read() {
    agree(|rig| {
        let (near, far) = rig.pair();
        rig.hear(near);
        let block = [b'.'; 16 * 1024];
        let mut sent = 0;
        loop {
            while let Ok(n) = rig.net.send(near, &[IoSlice::new(&block)], false) {
                sent += n;
            }
            // Bytes in flight make room when they have arrived.
            if let Some(world) = &rig.world {
                world.settle();
            }
            if !rig.ready(near).write {
                break;
            }
        }
        rig.say(near, b"");
        let mut buf = vec![0; block.len()];
        let mut read = 0;
        while read < sent {
            rig.until_readable(far);
            read += rig.net.recv(far, &mut buf).expect("it is readable");
        }
        rig.see("every byte", read == sent);
        rig.until(near, |ready| ready.write);
        rig.say(near, b"goes on");
        rig.until(far, |ready| ready.read);
        rig.hear(far);
        rig.net.close(near);
        rig.net.close(far);
    });
}

#[test]
fn what_was_not_acknowledged_is_still_told_after_a_reset() {
    agree(|rig| {
        let (near, far) = rig.pair();
        let block = [b'.'; 16 * 1024];
        while rig.net.send(near, &[IoSlice::new(&block)], false).is_ok() {
            if let Some(world) = &rig.world {
                world.settle();
            }
        }
        rig.shut(near);
        rig.net.reset(far);
        rig.until(near, |ready| ready.err);
        let unsent = rig.net.unsent(near).map(|n| n > 1);
        rig.see("unsent", unsent);
        rig.hear(near);
        let unsent = rig.net.unsent(near).map(|n| n > 1);
        rig.see("unsent", unsent);
        rig.net.close(near);
    });
}

#[test]
fn a_socket_that_is_neither_connected_nor_listening() {
    agree(|rig| {
        let fd = rig.socket();
        rig.ready_now(fd);
        rig.has_peer(fd);
        rig.hear(fd);
        rig.error(fd);
        let nature = rig.net.nature(fd);
        rig.see("nature", nature);
        let credentials = rig.net.peer_credentials(fd);
        rig.see("credentials", credentials);
        let accepted = rig.net.accept(fd);
        rig.see("accept", accepted);
        rig.say(fd, b"x");
        rig.net.close(fd);
    });
}

#[test]
fn a_listener_is_no_connection() {
    agree(|rig| {
        let (listener, at) = rig.listen(1);
        let accepted = rig.net.accept(listener);
        rig.see("accept", accepted);
        rig.ready_now(listener);
        rig.has_peer(listener);
        rig.hear(listener);
        rig.say(listener, b"x");
        let nature = rig.net.nature(listener);
        rig.see("nature", nature);
        let again = rig.net.listen(&spec(at.clone(), 1));
        rig.see("listen", again);
        let fd = rig.socket();
        let bound = rig.net.bind(fd, &at);
        rig.see("bind", bound);
        rig.net.close(fd);
        rig.net.close(listener);
    });
}
