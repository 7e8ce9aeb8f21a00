//! Whether a text for people is a plain sentence: one without the debug form of a value.

/// Technical names that have a capital letter inside a word.
const TERMS: &[&str] = &[
    "ChaCha20",
    "ChangeCipherSpec",
    "ClientHello",
    "GiB",
    "HAProxy",
    "HelloRetryRequest",
    "KeyUpdate",
    "KeyUpdates",
    "KiB",
    "MiB",
    "NetScaler",
    "OpenPGP",
    "OpenSSH",
    "OpenSSL",
    "PostgreSQL",
    "PuTTY",
    "ServerHello",
    "brainpoolP",
    "cRLSign",
    "clientAuth",
    "serverAuth",
];

/// What the debug form of an option, a result, a struct or a text begins with.
const FORMS: &[&str] = &["Some(", "None", "Ok(", "Err(", " { ", "(\""];

/// Whether `text` holds no debug form of a value: no word with a capital letter inside, as the variants
/// of enums have, except for [`TERMS`]. A text in quotes comes from a peer or a host and may be
/// anything.
#[must_use]
pub(crate) fn is_plain(text: &str) -> bool {
    let own = without_quoted(text);
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut words = own.split(|c| !is_word(c));
    let named = words.all(|word| {
        let inside = word.as_bytes().windows(2);
        let mut inside = inside.filter(|pair| pair[0].is_ascii_lowercase());
        !inside.any(|pair| pair[1].is_ascii_uppercase())
            || TERMS.iter().any(|term| word.starts_with(term))
    });
    named && !FORMS.iter().any(|form| own.contains(form))
}

/// The text with nothing between its quotes; a quote inside is written `\"`.
fn without_quoted(text: &str) -> String {
    let mut own = String::new();
    let mut chars = text.chars();
    let mut quoted = false;
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                quoted = !quoted;
                own.push(c);
            }
            '\\' if quoted => drop(chars.next()),
            _ if quoted => {}
            _ => own.push(c),
        }
    }
    own
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_forms_are_told_from_sentences() {
        for text in [
            "Other(OtherError(CaUsedAsEndEntity))",
            "peer is incompatible: NoKxGroupsInCommon",
            "UnknownRevocationStatus",
            "peer misbehaved: ServerNameMustContainOneHostName",
            "got Some(3)",
            "Config { name: 3 }",
            "only valid for DnsName(\"a.test\")",
        ] {
            assert!(!is_plain(text), "{text}");
        }
        for text in [
            "no TLS version is spoken by both sides",
            "a ClientHello of 96 KiB, as OpenSSL sends it (RFC 8446 section 4.1.2)",
            "it is not for the name \"SomeName(\\\"x\\\")\" but for \"FooBar\"",
        ] {
            assert!(is_plain(text), "{text}");
        }
    }
}
