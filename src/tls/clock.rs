//! The injected time of day as rustls's `TimeProvider`.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;

use crate::sys::WallTime;

#[derive(Clone, Debug)]
pub(super) struct TlsTimeProvider(pub(super) Arc<dyn WallTime>);

impl TimeProvider for TlsTimeProvider {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(self.0.unix_seconds())))
    }
}
