//! The simulated network under the engines of a thread, in place of the kernel.

use std::cell::RefCell;

use crate::sim::World;

thread_local! {
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
}

/// The world that engines made on this thread live in.
#[must_use]
pub fn world() -> World {
    WORLD.with(|world| world.borrow_mut().get_or_insert_with(|| World::new(1)).clone())
}

/// Puts another world, or none yet, in its place for the engines that are made from now on.
pub fn set_world(next: Option<World>) {
    WORLD.with(|world| *world.borrow_mut() = next);
}

/// A descriptor of the world that stands for the one by which other threads wake the engine's. It is
/// always ready.
#[cfg(simulated)]
pub(super) mod wake_fd {
    use crate::sys::{Errno, Fd};

    pub(crate) fn open() -> Result<Fd, Errno> {
        super::world().open_file()
    }

    pub(crate) fn signal(_: Fd) {}

    pub(crate) fn clear(_: Fd) {}
}
