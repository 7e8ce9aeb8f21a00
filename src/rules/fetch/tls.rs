//! What the TLS handshake with a client agreed on, and the client's certificate.

use std::borrow::Cow;

use super::word::fetches;
use crate::rules::arguments::Arguments;
use crate::rules::context::{EvalContext, Sample};
use crate::rules::facts::Tls;
use crate::rules::param::{ParamKind, optional};
use crate::rules::value::Value;
use crate::wire::der::Certificate;

/// How many attributes of one type a name has at most.
const OCCURRENCES: ParamKind = ParamKind::Number(-ATTRIBUTES_MAX, ATTRIBUTES_MAX);
const ATTRIBUTES_MAX: i64 = 100;

fetches! {
    "ssl_fc" []: Bool, BEHIND_TLS, Nothing, |cx, _| Sample::settled(Some(Value::Bool(cx.facts.tls().is_some()))),
        "whether the client speaks TLS with us", "";
    "ssl_fc_sni" []: Str, BEHIND_TLS, Nothing, |cx, _| cx.of_tls(|tls| tls.server_name.map(Value::str)),
        "the host name the client asked for, in lower case",
        "in the client's own letters there";
    "ssl_fc_has_sni" []: Bool, BEHIND_TLS, Nothing,
        |cx, _| cx.of_tls(|tls| Some(Value::Bool(tls.server_name.is_some()))),
        "whether the client asked for a host name", "";
    "ssl_fc_alpn" []: Str, BEHIND_TLS, Nothing, |cx, _| cx.of_tls(|tls| tls.alpn.map(Value::str)),
        "the application protocol agreed on", "";
    "ssl_fc_protocol" []: Str, BEHIND_TLS, Nothing, |cx, _| cx.of_tls(|tls| Some(Value::text(tls.version))),
        "the version of TLS: `TLSv1.2` or `TLSv1.3`", "";
    "ssl_fc_cipher" []: Str, BEHIND_TLS, Nothing, |cx, _| cx.of_tls(|tls| Some(Value::text(tls.cipher))),
        "the cipher suite by IANA's name: `TLS_AES_128_GCM_SHA256`",
        "by OpenSSL's name there, which is another before TLS 1.3";
    "ssl_fc_alg_keysize" []: Int, BEHIND_TLS, Nothing, |cx, _| cx.of_tls(key_bits),
        "how many bits a key of the cipher has", "";
    "ssl_fc_use_keysize" []: Int, BEHIND_TLS, Nothing, |cx, _| cx.of_tls(key_bits),
        "how many of these bits count, which is all", "";
    "ssl_fc_has_early" []: Bool, BEHIND_TLS, Nothing, |cx, _| cx.of_tls(|_| Some(Value::Bool(false))),
        "no: early data is not taken", "whether it was";
    "ssl_fc_is_resumed" []: Bool, BEHIND_TLS, Nothing, |cx, _| cx.of_tls(|tls| Some(Value::Bool(tls.is_resumed))),
        "whether the handshake went on with what an earlier one agreed on", "";
    "ssl_fc_has_crt" []: Bool, BEHIND_TLS, Nothing,
        |cx, _| cx.of_tls(|tls| Some(Value::Bool(tls.certificate.is_some() && !tls.is_resumed))),
        "whether the client showed a certificate in this handshake", "";
    "ssl_c_used" []: Bool, BEHIND_TLS, Nothing,
        |cx, _| cx.of_tls(|tls| Some(Value::Bool(tls.certificate.is_some()))),
        "whether the client has a certificate, shown now or in the handshake that this one goes on with", "";
    "ssl_c_verify" []: Int, BEHIND_TLS, Nothing, |cx, _| cx.of_tls(|tls| Some(Value::Int(tls.verify.into()))),
        "0, with or without a certificate of the client: one that fails ends the handshake",
        "the number of the failure there, where `crt-ignore-err` lets it pass";
    "ssl_c_err" []: Int, BEHIND_TLS, Nothing, |cx, _| cx.of_tls(|tls| Some(Value::Int(tls.verify.into()))),
        "as `ssl_c_verify`", "as for `ssl_c_verify`";
    "ssl_c_ca_err" []: Int, BEHIND_TLS, Nothing, |cx, _| cx.of_tls(|tls| Some(Value::Int(tls.verify.into()))),
        "as `ssl_c_verify`, of those that the client's certificate is signed by", "as for `ssl_c_verify`";
    "ssl_c_ca_err_depth" []: Int, BEHIND_TLS, Nothing, |cx, _| cx.of_tls(|_| Some(Value::Int(0))),
        "0, since none of them fails", "where in the chain the failure is there";
    "ssl_c_s_dn" [optional("attribute", ParamKind::Text), optional("occurrence", OCCURRENCES)]: Str, BEHIND_TLS, Nothing,
        |cx, arguments| name(cx, arguments, |it| it.subject(), |it, name, at| it.subject_attribute(name, at)),
        "the subject of the client's certificate, `/C=../O=../CN=..`, or one attribute of it: the first, or the \
         one at that place, from the end by negative numbers", "other formats can be asked for there";
    "ssl_c_i_dn" [optional("attribute", ParamKind::Text), optional("occurrence", OCCURRENCES)]: Str, BEHIND_TLS, Nothing,
        |cx, arguments| name(cx, arguments, |it| it.issuer(), |it, name, at| it.issuer_attribute(name, at)),
        "the issuer of the client's certificate, as `ssl_c_s_dn`", "as for `ssl_c_s_dn`";
    "ssl_c_notbefore" []: Str, BEHIND_TLS, Nothing,
        |cx, _| cx.of_certificate(|it| it.validity().map(|[first, _]| Value::str(first))),
        "when the client's certificate became valid: `YYMMDDhhmmssZ`", "";
    "ssl_c_notafter" []: Str, BEHIND_TLS, Nothing,
        |cx, _| cx.of_certificate(|it| it.validity().map(|[_, last]| Value::str(last))),
        "when the client's certificate expires: `YYMMDDhhmmssZ`", "";
    "ssl_c_serial" []: Bin, BEHIND_TLS, Nothing, |cx, _| cx.of_certificate(|it| Some(Value::bin(it.serial()))),
        "the serial number of the client's certificate", "";
    "ssl_c_version" []: Int, BEHIND_TLS, Nothing,
        |cx, _| cx.of_certificate(|it| Some(Value::Int(it.version().into()))),
        "the version of the client's certificate: 3, mostly", "";
    "ssl_c_sig_alg" []: Str, BEHIND_TLS, Nothing,
        |cx, _| cx.of_certificate(|it| Some(Value::text(it.signature_algorithm()))),
        "the algorithm by which the client's certificate is signed, such as `RSA-SHA256`", "";
    "ssl_c_key_alg" []: Str, BEHIND_TLS, Nothing,
        |cx, _| cx.of_certificate(|it| Some(Value::text(it.public_key_algorithm()))),
        "the algorithm of its key: `rsaEncryption`, `id-ecPublicKey`", "";
    "ssl_c_sha1" []: Bin, BEHIND_TLS, Nothing,
        |cx, _| Sample::settled(cx.facts.certificate_sha1().map(|digest| Value::Bin(Cow::Owned(digest.to_vec())))),
        "the SHA-1 of the client's certificate, 20 bytes; mostly written `ssl_c_sha1,hex`", "";
    "ssl_c_der" []: Bin, BEHIND_TLS, Nothing, |cx, _| cx.of_tls(|tls| tls.certificate.map(Value::bin)),
        "the client's certificate in DER", "";
    "ssl_c_chain_der" []: Bin, BEHIND_TLS, Nothing,
        |cx, _| Sample::settled(cx.facts.certificate_chain().map(|chain| Value::Bin(Cow::Owned(chain)))),
        "the certificates that the client has shown, its own first, in DER one behind the other", "";
}

/// The length of the keys of a cipher suite, in bits.
pub(super) fn key_bits<'a>(tls: Tls<'a>) -> Option<Value<'a>> {
    const KEYS: [(&str, i64); 3] = [("AES_128", 128), ("AES_256", 256), ("CHACHA20", 256)];
    let known = KEYS.iter().find(|(name, _)| tls.cipher.contains(name));
    known.map(|(_, bits)| Value::Int(*bits))
}

type AskName = fn(&Certificate<'_>) -> String;
type AskAttribute = for<'c> fn(&Certificate<'c>, &str, i64) -> Option<Cow<'c, [u8]>>;

fn name<'s>(
    context: &'s EvalContext<'_>,
    arguments: &Arguments,
    whole: AskName,
    attribute: AskAttribute,
) -> Sample<'s> {
    context.of_certificate(|certificate| {
        if arguments.text(0).is_empty() {
            return Some(Value::Str(Cow::Owned(whole(&certificate).into_bytes())));
        }
        let occurrence = arguments.number(1).unwrap_or(1);
        attribute(&certificate, arguments.name(0), occurrence).map(Value::Str)
    })
}
