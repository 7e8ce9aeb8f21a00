//! A static library of Rust that is not ours.

/// The sum of the numbers below `count`.
#[unsafe(no_mangle)]
pub extern "C" fn other_sum(count: u64) -> u64 {
    let numbers: Vec<u64> = (0..count).collect();
    numbers.iter().sum()
}

/// 1 when a panic unwinds to where it is caught.
#[unsafe(no_mangle)]
pub extern "C" fn other_panics() -> u64 {
    let silent = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let caught = std::panic::catch_unwind(|| panic!("on purpose")).is_err();
    std::panic::set_hook(silent);
    u64::from(caught)
}
