//! How the files that rules name are read.

/// Reads the files that rules name: takes the name as it is written, and returns the content or why
/// there is none.
pub type Loader<'a> = dyn Fn(&str) -> Result<Vec<u8>, String> + 'a;
