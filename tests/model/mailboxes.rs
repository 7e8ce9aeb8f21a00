//! The mailbox of an engine: what is brought arrives, and the engine is woken for it.

use crate::in_every_order;
use crate::mailbox::{Alarm, Closed, Mailbox};
use crate::sync::{Arc, Condvar, Mutex, lock, wait};

/// The poller of an engine: it waits until it is woken.
#[derive(Default)]
pub(crate) struct Poller {
    is_ready: Mutex<bool>,
    woken: Condvar,
}

impl Poller {
    fn wake(&self) {
        *lock(&self.is_ready) = true;
        self.woken.notify_one();
    }

    /// Waits, and forgets that it was woken where `forgets`.
    fn wait(&self, forgets: bool) {
        let mut is_ready = lock(&self.is_ready);
        while !*is_ready {
            is_ready = wait(&self.woken, is_ready);
        }
        *is_ready = !forgets;
    }
}

/// A descriptor, which stays ready until it is cleared.
struct Descriptor(Poller);

impl Alarm for Descriptor {
    fn signal(&self) -> bool {
        self.0.wake();
        true
    }

    fn call(&self) {
        unreachable!("it is signalled under the lock");
    }

    fn clear(&self) {
        *lock(&self.0.is_ready) = false;
    }
}

/// A function of the host's, which is called without the lock.
#[derive(Default)]
struct HostFunction {
    poller: Poller,
    inside: Mutex<u32>,
}

impl Alarm for HostFunction {
    fn signal(&self) -> bool {
        false
    }

    fn call(&self) {
        *lock(&self.inside) += 1;
        self.poller.wake();
        *lock(&self.inside) -= 1;
    }

    fn clear(&self) {}
}

fn bring<A: Alarm>(mailbox: &Mailbox<u32, A>, amount: u32) -> Result<(), Closed> {
    let add = |waiting: &mut u32| {
        *waiting += amount;
        Ok::<(), ()>(())
    };
    mailbox.bring(add).map(|added| added.expect("it is taken"))
}

/// Two threads bring something, and the engine waits until it has both.
fn both_arrive<A: Alarm + Send + Sync + 'static>(
    alarm: A,
    poller: fn(&A) -> &Poller,
    forgets: bool,
) {
    let mailbox = Arc::new(Mailbox::new(alarm));
    let threads = [1, 2].map(|amount| {
        let mailbox = Arc::clone(&mailbox);
        loom::thread::spawn(move || bring(&mailbox, amount).expect("it is open"))
    });
    let mut taken = 0;
    while taken < 3 {
        poller(mailbox.alarm()).wait(forgets);
        taken += mailbox.take();
    }
    assert_eq!(taken, 3);
    for thread in threads {
        thread.join().expect("it returns");
    }
    assert_eq!(mailbox.take(), 0);
}

#[test]
fn whatever_is_brought_wakes_an_engine_whose_poller_watches_a_descriptor() {
    in_every_order(|| both_arrive(Descriptor(Poller::default()), |alarm| &alarm.0, false));
}

#[test]
fn whatever_is_brought_wakes_an_engine_whose_host_has_a_function_for_it() {
    in_every_order(|| both_arrive(HostFunction::default(), |alarm| &alarm.poller, true));
}

#[test]
fn once_a_mailbox_is_closed_nobody_is_inside_the_function_and_nobody_enters_it() {
    in_every_order(|| {
        let mailbox = Arc::new(Mailbox::<u32, _>::new(HostFunction::default()));
        let thread = {
            let mailbox = Arc::clone(&mailbox);
            loom::thread::spawn(move || bring(&mailbox, 1))
        };
        mailbox.close();
        let at_close = *lock(&mailbox.alarm().inside);
        assert_eq!(at_close, 0);
        let came_through = thread.join().expect("it returns").is_ok();
        assert_eq!(*lock(&mailbox.alarm().poller.is_ready), came_through);
        assert_eq!(bring(&mailbox, 1), Err(Closed));
    });
}
