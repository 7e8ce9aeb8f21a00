//! Files that a configuration names.

/// The content of a file, or why there is none, as the system says it.
///
/// # Errors
/// The sentence of the system.
pub fn read_file(path: &str) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| error.to_string())
}
