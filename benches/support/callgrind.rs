//! Instructions of a piece of code, counted by callgrind: a benchmark runs itself under it, for each of its
//! cases once with few steps and once with many. The difference is what one step takes.

use std::env;
use std::process::Command;

/// How many steps the shorter run has, and the longer one.
#[derive(Clone, Copy)]
pub(crate) struct Steps {
    pub(crate) few: u64,
    pub(crate) many: u64,
}

/// The main function of a benchmark: with the number of a case and of steps as arguments `run` does them,
/// without arguments it prints a table. What is counted are the functions whose names fit `counted`.
pub(crate) fn main(names: &[&str], counted: &str, steps: Steps, run: impl FnOnce(usize, u64)) {
    // Cargo passes `--bench`.
    let words: Vec<String> = env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    if let [case, times] = &words[..] {
        let number = "a number of our own";
        return run(case.parse().expect(number), times.parse().expect(number));
    }
    let Steps { few, many } = steps;
    for (case, name) in names.iter().enumerate() {
        let all = instructions(case, counted, many) - instructions(case, counted, few);
        println!("{:>10}  {name}", all / (many - few));
    }
}

fn instructions(case: usize, counted: &str, times: u64) -> u64 {
    let this = env::current_exe().expect("a program");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(format!("--toggle-collect={counted}"))
        .arg(this)
        .args([case.to_string(), times.to_string()])
        .output()
        .expect("valgrind runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    collected.and_then(|(_, count)| count.trim().parse().ok()).unwrap_or_else(|| panic!("{said}"))
}
