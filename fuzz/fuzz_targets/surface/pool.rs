//! The handles that the host has: configurations, tables, rules, wakers, groups.

use std::cell::RefCell;

use super::input::Input;

/// How many of one kind a host has at most: what is made beyond that is freed at once.
const MOST: usize = 6;

/// The handles of one kind, and how they are freed.
pub struct Pool<T> {
    handles: RefCell<Vec<*mut T>>,
    free: unsafe extern "C" fn(*mut T),
}

impl<T> Pool<T> {
    pub const fn new(free: unsafe extern "C" fn(*mut T)) -> Self {
        Self { handles: RefCell::new(Vec::new()), free }
    }

    pub fn is_empty(&self) -> bool {
        self.handles.borrow().is_empty()
    }

    /// One of them, which stays; NULL where there is none.
    pub fn some(&self, input: &Input) -> *mut T {
        let handles = self.handles.borrow();
        let index = input.below(handles.len());
        handles.get(index).copied().unwrap_or(std::ptr::null_mut())
    }

    /// One of them, which is freed by whoever takes it.
    pub fn take(&self, input: &Input) -> *mut T {
        let mut handles = self.handles.borrow_mut();
        let index = input.below(handles.len());
        if handles.is_empty() { std::ptr::null_mut() } else { handles.swap_remove(index) }
    }

    pub fn keep(&self, handle: *mut T) {
        if handle.is_null() {
            return;
        }
        if self.handles.borrow().len() >= MOST {
            unsafe { (self.free)(handle) };
        } else {
            self.handles.borrow_mut().push(handle);
        }
    }

    pub fn free_all(&self) {
        for handle in self.handles.take() {
            unsafe { (self.free)(handle) };
        }
    }
}
