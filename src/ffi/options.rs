//! Structs in which the host says what it wants: a field that is 0 stands for the default.

use super::config_error::ConfigError;
use super::ptr::{self, Sized32};
use super::status::vst_status;

/// Such a struct. All bytes 0 but its size are the defaults.
pub(super) trait Options: Sized32 {
    /// The defaults, each said.
    fn defaults() -> Self;

    /// Says the default where a field is 0.
    fn fill(&mut self);
}

/// The defaults of a struct, and which of its fields have one that is not 0.
macro_rules! options {
    ($name:ty { $($field:ident),* $(,)? } $defaults:expr) => {
        impl $crate::ffi::options::Options for $name {
            fn defaults() -> Self {
                $defaults
            }

            fn fill(&mut self) {
                let defaults = Self::defaults();
                $(if self.$field == 0 {
                    self.$field = defaults.$field;
                })*
            }
        }
    };
}
pub(super) use options;

/// Whether flags are all `known`, and a reserved field is 0.
///
/// Every flags field has bits of its own, so that a flag of another struct is an unknown one: bits 0 to
/// 12 are what the library tells (VST_IO_*, VST_WAIT_*, VST_STEP_ENDED, VST_CONN_*), those from 16 on are
/// the structs'. A new flag takes the lowest bit from 56 on that is free.
pub(super) fn check_flags(flags: u64, known: u64, reserved: u32) -> Result<(), ConfigError> {
    if flags & !known != 0 {
        return Err(ConfigError::argument("flags: an unknown one"));
    }
    if reserved != 0 {
        return Err(ConfigError::argument("_reserved: it is not 0"));
    }
    Ok(())
}

/// Reads such a struct of the host's; every default is said.
///
/// # Safety
/// `from` is NULL or points to at least as many readable bytes as its first `u32` says.
pub(super) unsafe fn read<T: Options>(from: *const T) -> Result<T, ConfigError> {
    // SAFETY: the caller's contract.
    let mut options = unsafe { ptr::read_sized(from) }?;
    options.fill();
    Ok(options)
}

/// Reads such a struct of the host's, NULL being the defaults.
///
/// # Safety
/// As [`read`].
pub(super) unsafe fn read_or_defaults<T: Options>(from: *const T) -> Result<T, ConfigError> {
    // SAFETY: the caller's contract.
    if from.is_null() { Ok(T::defaults()) } else { unsafe { read(from) } }
}

/// Fills a struct of the host's with the defaults.
///
/// # Safety
/// `to` is NULL or points to `size` writable bytes.
pub(super) unsafe fn init<T: Options>(to: *mut T, size: u32) -> vst_status {
    // SAFETY: the caller's contract.
    unsafe { ptr::init_sized(to, size, &T::defaults()) }
}

#[cfg(test)]
mod tests {
    use super::super::accept_config::vst_accept_options;
    use super::super::backend::vst_backend_options;
    use super::super::connect_config::vst_connect_options;
    use super::super::engine::vst_engine_options;
    use super::super::listener::vst_listener_options;
    use super::super::monitor::vst_monitor_options;
    use super::super::server::vst_server_options;
    use super::super::stream::vst_stream_options;
    use super::super::tls::vst_tls_server_options;
    use super::super::tls_client::vst_tls_client_options;
    use super::*;

    fn bytes<T: Options>(options: &T) -> &[u8] {
        // SAFETY: such a struct has no padding (contract of Sized32), and lives as long as the bytes.
        unsafe { std::slice::from_raw_parts(std::ptr::from_ref(options).cast(), size_of::<T>()) }
    }

    /// What init writes, and what all bytes 0 but the size are read as.
    fn agree<T: Options>() {
        let size = size_of::<T>() as u32;
        let mut said = std::mem::MaybeUninit::<T>::uninit();
        // SAFETY: as many bytes as are said.
        assert_eq!(unsafe { init(said.as_mut_ptr(), size) }, 0);
        // SAFETY: init has written all of it.
        let said = unsafe { said.assume_init() };
        let mut zero = std::mem::MaybeUninit::<T>::zeroed();
        // SAFETY: the first field is the size (contract of Sized32).
        unsafe { zero.as_mut_ptr().cast::<u32>().write(size) };
        // SAFETY: as many bytes as the size says.
        let read = unsafe { read(zero.as_ptr()) }.map_err(vst_status::from);
        let read = read.expect("a size that is one");
        assert_eq!(bytes(&read), bytes(&said), "{}", std::any::type_name::<T>());
    }

    #[test]
    fn all_zero_is_the_defaults_in_every_struct_of_options() {
        agree::<vst_engine_options>();
        agree::<vst_listener_options>();
        agree::<vst_accept_options>();
        agree::<vst_monitor_options>();
        agree::<vst_connect_options>();
        agree::<vst_stream_options>();
        agree::<vst_backend_options>();
        agree::<vst_server_options>();
        agree::<vst_tls_server_options>();
        agree::<vst_tls_client_options>();
    }
}
