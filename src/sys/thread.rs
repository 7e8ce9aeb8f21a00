//! Which thread this is, in a way that needs no destructor and no allocation: a thread-local with
//! a destructor would crash the host that unloads the library.

thread_local! {
    static TOKEN: u8 = const { 0 };
}

/// A number no other living thread has; never 0. A dead thread's number may come again.
#[must_use]
pub fn thread_token() -> usize {
    TOKEN.with(|token| std::ptr::from_ref(token).addr())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_the_threads_own() {
        let mine = thread_token();
        assert_ne!(mine, 0);
        assert_eq!(mine, thread_token());
        std::thread::scope(|scope| {
            let other = scope.spawn(thread_token).join();
            assert_ne!(other.ok(), Some(mine));
        });
    }
}
