//! The socket calls under an engine of C: the kernel's. In the tests of this folder they are
//! simulated, so that the boundary itself runs under Miri.

#[cfg(not(test))]
pub(super) use crate::sys::Kernel as Under;

#[cfg(test)]
pub(super) use crate::sim::SimNet as Under;

/// The calls of a new engine.
#[cfg(not(test))]
pub(super) const fn net() -> Under {
    crate::sys::Kernel
}

/// The calls of a new engine: those of the thread's world.
#[cfg(test)]
pub(super) fn net() -> Under {
    super::tests::world().net()
}
