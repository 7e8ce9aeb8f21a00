//! vestibule: an embeddable connection layer with a C ABI.
#![deny(unsafe_code)]

pub mod buffer;
pub mod sys;
pub mod time;
