//! Simulated pipes.

use super::*;
use crate::sys::Pipe;

/// [`met`], and a second connection and a pipe between the two.
fn joined(seed: u64) -> (World, SimNet, [Peer; 2], [Fd; 2], Pipe) {
    let (world, mut net, first, listener, from) = met(seed);
    let second = world.connect(&here(), there());
    world.settle();
    let (to, _) = net.accept(listener).expect("it waits");
    net.close(listener);
    let pipe = net.pipe().expect("a pipe");
    (world, net, [first, second], [from, to], pipe)
}

#[test]
fn a_pipe_is_two_descriptors_and_tells_its_size() {
    let (world, mut net, _peer, listener, fd) = met(1);
    world.tune(|knobs| knobs.fd_limit = Fd(6));
    assert_eq!(net.pipe(), Err(EMFILE), "one number is left, and stays so");
    assert_eq!(world.open_fds(), [listener, fd]);
    world.tune(|knobs| knobs.fd_limit = Fd(7));
    let pipe = net.pipe().expect("two are left");
    assert_eq!(pipe, Pipe { read: Fd(5), write: Fd(6), capacity: Pipe::FULL_CAPACITY });
    assert_eq!(net.nature(pipe.read), Err(Errno(libc::ENOTSOCK)));
    assert_eq!(net.socket(Family::V4), Err(EMFILE));
    assert_eq!(world.open_fds(), [3, 4, 5, 6].map(Fd), "it would be seen to leak");
    net.close_pipe(pipe);
    assert_eq!(world.open_fds(), [3, 4].map(Fd));

    world.tune(|knobs| knobs.pipe_slots = 1);
    assert!(net.pipe().is_ok_and(|pipe| pipe.capacity < Pipe::FULL_CAPACITY));
    world.fail_nth(CallKind::Pipe, world.calls_of(CallKind::Pipe) + 1, Errno(libc::ENFILE), true);
    assert_eq!(net.pipe(), Err(Errno(libc::ENFILE)));
}

#[test]
fn a_pipe_is_full_when_every_part_is_taken_and_frees_whole_parts() {
    let (world, mut net, [peer, _], [from, to], pipe) = joined(1);
    world.tune(|knobs| (knobs.pipe_slots, knobs.slot_bytes) = (2, 3));
    net.close_pipe(pipe);
    let pipe = net.pipe().expect("a pipe");
    peer.send(b"0123456789");
    world.settle();
    assert_eq!(net.splice_in(from, &pipe, 1), Ok(1));
    assert_eq!(net.splice_in(from, &pipe, 100), Ok(3), "a part of its own");
    assert_eq!(net.splice_in(from, &pipe, 100), Err(Errno::AGAIN));
    assert!(world.readiness(from).read && world.take_owed().is_empty());
    assert_eq!(net.splice_out(&pipe, to, 1, false), Ok(1));
    assert_eq!(net.splice_in(from, &pipe, 100), Ok(3));
    assert_eq!(net.splice_out(&pipe, to, 2, false), Ok(2));
    assert_eq!(net.splice_in(from, &pipe, 100), Err(Errno::AGAIN), "a part is not empty yet");
}

#[test]
fn only_an_empty_pipe_is_owed_an_event_for_its_socket() {
    let (world, mut net, [peer, _], [from, _], pipe) = joined(1);
    peer.send(&[b'x'; 1000]);
    world.settle();
    world.tune(|knobs| knobs.would_block_one_in = Some(2));
    let (mut held, mut refused) = (0, [0, 0]);
    for _ in 0..10 {
        match net.splice_in(from, &pipe, 1) {
            Ok(n) => held += n,
            Err(errno) => {
                assert_eq!(errno, Errno::AGAIN);
                refused[usize::from(held > 0)] += 1;
                assert_eq!(world.take_owed().is_empty(), held > 0);
            }
        }
    }
    assert!(held < 16 && refused[1] > 0, "{refused:?}");
}

#[test]
fn a_failed_splice_moves_nothing() {
    let (world, mut net, [peer, other], [from, to], pipe) = joined(1);
    peer.send(b"once");
    world.settle();
    world.fail_nth(CallKind::SpliceIn, 1, Errno(libc::ENOMEM), false);
    world.fail_nth(CallKind::SpliceOut, 1, Errno(libc::ECONNRESET), false);
    assert_eq!(net.splice_in(from, &pipe, 100), Err(Errno(libc::ENOMEM)));
    assert_eq!(net.splice_in(from, &pipe, 100), Ok(4));
    assert_eq!(net.splice_out(&pipe, to, 100, false), Err(Errno(libc::ECONNRESET)));
    assert_eq!(net.splice_out(&pipe, to, 100, false), Ok(4));
    world.settle();
    assert_eq!(other.received(), b"once");
    net.close_pipe(pipe);
    let trace = world.trace();
    assert!(trace.ends_with("splice in 4 4\nsplice out 5 E104\nsplice out 5 4\nclose pipe - 0\n"));
}

#[test]
fn signals_are_held_from_a_splice_to_a_socket_until_they_are_settled() {
    let (world, mut net, [peer, _], [from, to], pipe) = joined(1);
    peer.send(b"x");
    world.settle();
    assert_eq!(net.splice_in(from, &pipe, 1), Ok(1));
    assert!(!world.holds_signals());
    assert_eq!(net.splice_out(&pipe, to, 1, false), Ok(1));
    assert!(world.holds_signals());
    net.settle_signals();
    assert!(!world.holds_signals());
}

#[test]
fn what_has_not_arrived_is_unsent() {
    let (world, mut net, _peer, _, fd) = met(1);
    assert_eq!(say(&mut net, fd, b"four"), Ok(4));
    assert_eq!(net.unsent(fd), Ok(4));
    net.shutdown_write(fd).expect("connected");
    assert_eq!(net.unsent(fd), Ok(5), "the FIN is one");
    world.settle();
    assert_eq!(net.unsent(fd), Ok(0));
}

#[test]
#[should_panic(expected = "splice on descriptor 6, which is not open")]
fn a_pipe_used_after_it_was_closed_is_a_panic() {
    let (_world, mut net, _peers, [from, _], pipe) = joined(1);
    net.close_pipe(pipe);
    let _ = net.splice_in(from, &pipe, 1);
}

/// Carries `text` through a pipe and all the adverse behaviour there is, and returns the trace.
fn ordeal(seed: u64, text: &[u8]) -> String {
    let (world, mut net, [giver, taker], [from, to], pipe) = joined(seed);
    world.tune(|knobs| {
        knobs.random_segments = true;
        knobs.max_segment = 7;
        knobs.max_read = 5;
        knobs.max_write = 3;
        knobs.slot_bytes = 2;
        knobs.would_block_one_in = Some(3);
        knobs.split_reads_at = Some(3);
        knobs.split_writes_at = Some(4);
    });
    giver.send(text);
    giver.shutdown_write();
    let (mut held, mut ended) = (0, false);
    // Far more turns than it takes: a run that uses them all makes no progress.
    for _ in 0..100 * text.len() {
        if ended && held == 0 {
            break;
        }
        let came = if ended { Ok(0) } else { net.splice_in(from, &pipe, 11) };
        ended |= came == Ok(0);
        held += came.unwrap_or(0);
        let room = held.max(1);
        let left = net.splice_out(&pipe, to, room, false);
        held -= left.unwrap_or(0);
        net.settle_signals();
        let stuck = came == Err(Errno::AGAIN) && left == Err(Errno::AGAIN);
        if let (true, Some(next)) = (stuck, world.next_event()) {
            world.advance_to(next);
        }
    }
    assert!(ended && held == 0, "stuck");
    net.close_pipe(pipe);
    [from, to].into_iter().for_each(|fd| net.close(fd));
    world.settle();
    assert_eq!(taker.received(), text);
    assert!(taker.saw_fin() && !taker.saw_reset());
    assert!(world.open_fds().is_empty());
    world.trace()
}

#[test]
fn no_spliced_byte_is_lost_doubled_or_out_of_order_and_a_seed_repeats_its_run() {
    let text: Vec<u8> = (0..500_u16).flat_map(u16::to_be_bytes).collect();
    for seed in 0..20 {
        assert_eq!(ordeal(seed, &text), ordeal(seed, &text));
    }
}
