//! Alerts by the names their registry gives them (IANA's "TLS Alerts").

use std::borrow::Cow;

/// What it means, as a clause, that the peer sent `alert`.
pub(super) fn received(alert: u8) -> Cow<'static, str> {
    let meaning = match alert {
        40 => "there is nothing that both sides speak",
        42 | 43 | 46 => "it does not accept our certificate",
        44 => "it knows that our certificate is revoked",
        45 => "to it our certificate is expired or not valid yet; compare dates and clocks",
        48 => "it does not know the authority that issued our certificate, or lacks one between",
        49 => "it does not let us in",
        70 => "it does not speak the TLS version that was offered or chosen",
        80 => "it has a fault of its own",
        112 => "it has no certificate for the name that was asked for",
        116 => "it requires a certificate of ours",
        120 => "it speaks none of the application protocols that were offered (ALPN)",
        _ => "",
    };
    let name = name(alert).map_or_else(|| alert.to_string().into(), Cow::Borrowed);
    let joint = if meaning.is_empty() { "" } else { ": " };
    format!("the peer gave up with the alert {name}{joint}{meaning}").into()
}

fn name(alert: u8) -> Option<&'static str> {
    Some(match alert {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        21 => "decryption_failed",
        22 => "record_overflow",
        30 => "decompression_failure",
        40 => "handshake_failure",
        41 => "no_certificate",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        60 => "export_restriction",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        111 => "certificate_unobtainable",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        114 => "bad_certificate_hash_value",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        120 => "no_application_protocol",
        121 => "ech_required",
        _ => return None,
    })
}
