//! What the host asks for and cannot have, said in words.

use super::status::{
    self, VST_E_ARGUMENT, VST_E_CONFIG, VST_E_NULL, VST_E_SIZE, VST_E_UNSUPPORTED, vst_status,
};
use crate::engine::Refusal;

/// Why something cannot be used: a status, and a sentence where the status alone says too little.
pub(super) struct ConfigError {
    status: vst_status,
    sentence: String,
}

impl From<vst_status> for ConfigError {
    fn from(status: vst_status) -> Self {
        Self { status, sentence: String::new() }
    }
}

impl From<Refusal> for ConfigError {
    fn from(refusal: Refusal) -> Self {
        let sentence = match refusal {
            Refusal::System(errno) => format!("the system refused: {errno}"),
            _ => String::new(),
        };
        Self { status: status::of(refusal), sentence }
    }
}

/// For functions that have no room for a sentence.
impl From<ConfigError> for vst_status {
    fn from(unusable: ConfigError) -> Self {
        unusable.status
    }
}

impl ConfigError {
    /// A pointer that may not be NULL.
    pub(super) fn null(argument: &str) -> Self {
        Self { status: VST_E_NULL, sentence: format!("{argument}: it is NULL and must not be") }
    }

    /// The same, said of this argument: of a field, or of one element of a list.
    pub(super) fn of(mut self, argument: &str) -> Self {
        let what = match self.sentence.as_str() {
            "" => status::sentence(self.status),
            sentence => sentence,
        };
        self.sentence = format!("{argument}: {what}");
        self
    }

    /// The status, and the sentence.
    pub(super) fn into_parts(self) -> (vst_status, String) {
        (self.status, self.sentence)
    }

    /// What this build of the library does not have.
    pub(super) fn unsupported(sentence: impl Into<String>) -> Self {
        Self { status: VST_E_UNSUPPORTED, sentence: sentence.into() }
    }

    /// A configuration that cannot be.
    pub(super) fn config(sentence: impl Into<String>) -> Self {
        Self { status: VST_E_CONFIG, sentence: sentence.into() }
    }

    /// A struct whose size is not one this library knows.
    pub(super) fn size(sentence: impl Into<String>) -> Self {
        Self { status: VST_E_SIZE, sentence: sentence.into() }
    }

    /// A number, flag or text that makes no sense.
    pub(super) fn argument(sentence: impl Into<String>) -> Self {
        Self { status: VST_E_ARGUMENT, sentence: sentence.into() }
    }
}

/// Says which argument it is that cannot be used.
pub(super) fn named<T>(argument: &str, given: Result<T, vst_status>) -> Result<T, ConfigError> {
    given.map_err(|status| match status {
        VST_E_NULL => ConfigError::null(argument),
        _ => ConfigError::from(status).of(argument),
    })
}

/// One element of a list, as a person counts.
pub(super) fn element(list: &str, index: usize) -> String {
    format!("{list}, number {}", index + 1)
}
