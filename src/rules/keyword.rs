//! The words of fetches, and how they are written.

use super::argument::Argument;
use super::error::{LineFault, named};
use super::fetch::Fetch;
use super::place::Places;
use super::progress::TrackSlot;
use super::suggest::suggest;
use super::tables::Tables;
use super::token::Token;
use crate::table::DataType;

/// The type of the value that a word stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueKind {
    Truth,
    Number,
    Address,
    Bytes,
}

impl ValueKind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Truth => "yes or no",
            Self::Number => "number",
            Self::Address => "IP",
            Self::Bytes => "bytes",
        }
    }
}

/// The word of a fetch.
pub(super) struct Keyword {
    /// As HAProxy writes it, where it has it.
    pub(super) name: &'static str,
    /// Other ways to write it.
    pub(super) also: &'static [&'static str],
    /// What stands in brackets behind it, as documents write it.
    pub(super) argument: &'static str,
    pub(super) kind: ValueKind,
    pub(super) seen: Places,
    make: fn(&Argument<'_>) -> Result<Fetch, LineFault>,
    /// What it is.
    pub(super) doc: &'static str,
    /// Where HAProxy differs; empty when it does not.
    pub(super) haproxy: &'static str,
}

/// A datum of a table entry, as it is named behind `sc0_` and its like.
pub(super) struct Counter {
    pub(super) name: &'static str,
    /// HAProxy's name for it, when that is another.
    pub(super) haproxy: Option<&'static str>,
    pub(super) data: DataType,
    pub(super) doc: &'static str,
}

/// A fetch that was read from text.
pub(super) struct Asked {
    pub(super) fetch: Fetch,
    pub(super) kind: ValueKind,
    pub(super) seen: Places,
}

macro_rules! keywords {
    ($($name:literal $(| $also:literal)* $(($argument:literal))?: $kind:ident, $seen:ident, $make:expr,
        $doc:literal, $haproxy:literal;)+) => {
        &[$(Keyword {
            name: $name,
            also: &[$($also),*],
            argument: concat!($($argument)?),
            kind: ValueKind::$kind,
            seen: Places::$seen,
            make: $make,
            doc: $doc,
            haproxy: $haproxy,
        }),+]
    };
}

/// Every word but those of counters.
pub(super) const KEYWORDS: &[Keyword] = keywords! {
    "src": Address, EVERYWHERE, |a| a.none(Fetch::Source),
        "where the client is: as announced by a header, else the socket's peer",
        "in `tcp-request connection` it is the socket's peer there";
    "src_port": Number, EVERYWHERE, |a| a.none(Fetch::SourcePort), "the port that belongs to `src`", "";
    "src_is_local": Truth, EVERYWHERE, |a| a.none(Fetch::SourceIsLocal),
        "whether `src` is an address of this machine, which is whether the system lets a socket be bound to \
         it: with `ip_nonlocal_bind` every address is; a unix socket's peer always is", "";
    "dst": Address, EVERYWHERE, |a| a.none(Fetch::Destination),
        "what the client connected to: as announced by a header, else the socket's own address",
        "as for `src`";
    "dst_port": Number, EVERYWHERE, |a| a.none(Fetch::DestinationPort), "the port that belongs to `dst`", "";
    "fc_src": Address, EVERYWHERE, |a| a.none(Fetch::SocketSource),
        "the socket's peer, whatever a header or `set-src` say",
        "`tcp-request connection set-src` changes it there";
    "fc_dst": Address, EVERYWHERE, |a| a.none(Fetch::SocketDestination),
        "the socket's own address, whatever a header says", "";
    "so_name": Bytes, EVERYWHERE, |a| a.none(Fetch::Listener), "the name of the listener", "";
    "fc_rcvd_proxy": Truth, ANNOUNCED, |a| a.none(Fetch::HasProxy),
        "whether the connection began with a PROXY header", "";
    "fc_pp_version": Number, ANNOUNCED, |a| a.none(Fetch::ProxyVersion),
        "the version of the PROXY header: 1 or 2", "not in HAProxy";
    "fc_pp_tlv" ("TYPE"): Bytes, ANNOUNCED, |a| a.number(0..=0xff).map(|kind| Fetch::ProxyTlv(kind as u8)),
        "the value of the first TLV of this type, a number of one byte, in the PROXY header",
        "takes names as well there, and is in 2.9 and later";
    "fc_pp_authority": Bytes, ANNOUNCED, |a| a.none(Fetch::AUTHORITY),
        "the host name the client asked for, by the PROXY header (`PP2_TYPE_AUTHORITY`)", "";
    "fc_pp_unique_id": Bytes, ANNOUNCED, |a| a.none(Fetch::UNIQUE_ID),
        "the identifier in the PROXY header (`PP2_TYPE_UNIQUE_ID`)", "";
    "req.len" | "req_len": Number, PREFIX, |a| a.none(Fetch::PrefixLength),
        "how many bytes have come, up to 16384", "up to the size of a buffer there";
    "req.ssl_hello_type" | "req_ssl_hello_type": Number, PREFIX, |a| a.none(Fetch::HelloType),
        "1, once the first 16384 bytes at most are a whole ClientHello",
        "a ClientHello that is spread over several TLS records is not seen there";
    "req.ssl_sni" | "req_ssl_sni": Bytes, PREFIX, |a| a.none(Fetch::HelloName),
        "the host name in the ClientHello, in the client's own letters", "as for `req.ssl_hello_type`";
    "req.ssl_alpn": Bytes, PREFIX, |a| a.none(Fetch::HelloProtocols),
        "the application protocols in the ClientHello, of which one has to be as asked for; the first is what is counted or written down",
        "as for `req.ssl_hello_type`";
    "ssl_fc": Truth, BEHIND, |a| a.none(Fetch::IsTls), "whether the client speaks TLS with us", "";
    "ssl_fc_sni": Bytes, BEHIND, |a| a.none(Fetch::TlsName),
        "the host name the client asked for, in lower case",
        "in the client's own letters there";
    "ssl_fc_alpn": Bytes, BEHIND, |a| a.none(Fetch::TlsProtocol), "the application protocol agreed on", "";
    "ssl_fc_protocol": Bytes, BEHIND, |a| a.none(Fetch::TlsVersion),
        "the version of TLS: `TLSv1.2` or `TLSv1.3`", "";
    "ssl_fc_cipher": Bytes, BEHIND, |a| a.none(Fetch::TlsCipher),
        "the cipher suite by IANA's name: `TLS_AES_128_GCM_SHA256`",
        "by OpenSSL's name there, which is another before TLS 1.3";
    "ssl_c_verify": Number, BEHIND, |a| a.none(Fetch::Verify),
        "0, with or without a certificate of the client: one that fails ends the handshake",
        "the number of the failure there, where `crt-ignore-err` lets it pass";
    "ssl_c_s_dn" ("cn"): Bytes, BEHIND, |a| a.subject(),
        "the subject of the client's certificate, `/C=../O=../CN=..`; with `cn` its first common name",
        "any attribute and any of several can be asked for there, and other formats";
    "ssl_c_sha1" | "ssl_c_sha1,hex": Bytes, BEHIND, |a| a.none(Fetch::Sha1),
        "the SHA-1 of the client's certificate: 40 hexadecimal digits, letters in upper case",
        "20 bytes there; `ssl_c_sha1,hex` is the same in both";
    "be_conn" ("BACKEND"): Number, EVERYWHERE, |a| a.name().map(Fetch::Connections),
        "the streams of a backend", "the name may be left out in a backend there";
    "queue" ("BACKEND"): Number, EVERYWHERE, |a| a.name().map(Fetch::Queued),
        "the streams that wait for a backend or one of its servers", "as for `be_conn`";
};

macro_rules! counters {
    ($($name:literal $(= $haproxy:literal)?: $data:expr, $doc:literal;)+) => {
        &[$(Counter { name: $name, haproxy: counters!(@ $($haproxy)?), data: $data, doc: $doc }),+]
    };
    (@) => { None };
    (@ $haproxy:literal) => { Some($haproxy) };
}

/// Every counter of an entry.
pub(super) const COUNTERS: &[Counter] = counters! {
    "conn_cnt": DataType::ConnCnt, "connections, refused ones among them";
    "conn_cur": DataType::ConnCur, "connections that exist";
    "conn_rate": DataType::ConnRate, "connections in the table's period";
    "sess_cnt": DataType::SessCnt, "sessions: connections that passed all rules";
    "sess_rate": DataType::SessRate, "sessions in the table's period";
    "bytes_in_rate": DataType::BytesInRate, "bytes from the client in the table's period";
    "bytes_out_rate": DataType::BytesOutRate, "bytes to the client in the table's period";
    "gpc0" = "get_gpc0": DataType::Gpc(0), "the counter that `sc-inc-gpc0` counts";
    "gpc0_rate": DataType::Gpc0Rate, "how often it was counted in the table's period";
    "gpt0" = "get_gpt0": DataType::Gpt0, "the tag that `sc-set-gpt0` sets";
};

/// Whose entry a counter is read from.
pub(super) enum CounterOwner {
    /// The entry in a slot.
    TrackSlot(TrackSlot),
    /// The entry in the slot that is given in brackets.
    Numbered,
    /// The source's entry in a table.
    Source,
}

impl CounterOwner {
    pub(super) const fn doc(&self) -> &'static str {
        match self {
            Self::TrackSlot(_) => {
                "the entry that `track-sc0`, `track-sc1` or `track-sc2` has found"
            }
            Self::Numbered => "the same, with the number in brackets: `sc_conn_rate(0)`",
            Self::Source => {
                "the entry of `src` in the table in brackets, or in the default one: \
                 `src_conn_rate(NAME)`; 0 where there is no entry"
            }
        }
    }
}

/// The prefixes of the names of counters.
pub(super) const OWNERS: [(&str, CounterOwner); 5] = [
    ("sc0_", CounterOwner::TrackSlot(TrackSlot::ALL[0])),
    ("sc1_", CounterOwner::TrackSlot(TrackSlot::ALL[1])),
    ("sc2_", CounterOwner::TrackSlot(TrackSlot::ALL[2])),
    ("sc_", CounterOwner::Numbered),
    ("src_", CounterOwner::Source),
];

/// Every spelling of every word.
pub(super) fn names() -> impl Iterator<Item = String> {
    let words = KEYWORDS.iter().flat_map(|word| std::iter::once(&word.name).chain(word.also));
    let counters = OWNERS.iter().flat_map(|(owner, _)| {
        COUNTERS
            .iter()
            .flat_map(|counter| std::iter::once(counter.name).chain(counter.haproxy))
            .map(move |name| format!("{owner}{name}"))
    });
    words.map(|word| (*word).to_owned()).chain(counters)
}

impl Asked {
    /// Reads a word with what stands in brackets behind it.
    pub(super) fn parse(token: &Token, tables: &Tables) -> Result<Self, LineFault> {
        let argument = Argument::of(token)?;
        let name = argument.word;
        let is_called = |word: &&Keyword| word.name == name || word.also.contains(&name);
        if let Some(word) = KEYWORDS.iter().find(is_called) {
            let fetch = (word.make)(&argument)?;
            return Ok(Self { fetch, kind: word.kind, seen: word.seen });
        }
        for (prefix, owner) in &OWNERS {
            let Some(rest) = name.strip_prefix(prefix) else { continue };
            let is_called =
                |counter: &&Counter| counter.name == rest || counter.haproxy == Some(rest);
            let Some(counter) = COUNTERS.iter().find(is_called) else { continue };
            let fetch = match owner {
                CounterOwner::Source => argument.look_up(counter.data, tables)?,
                CounterOwner::Numbered => Fetch::Tracked(argument.slot()?, counter.data),
                CounterOwner::TrackSlot(slot) => {
                    argument.none(Fetch::Tracked(*slot, counter.data))?
                }
            };
            return Ok(Self { fetch, kind: ValueKind::Number, seen: Places::EVERYWHERE });
        }
        Err(unknown(token, name))
    }
}

fn unknown(token: &Token, name: &str) -> LineFault {
    if name.contains(',') {
        let problem = format!("{} converts a value, which rules here do not", named(&token.word));
        return LineFault::new(token.span.clone(), problem, "a value as it is");
    }
    let problem = format!("{} is nothing that can be asked for", named(&token.word));
    let names: Vec<String> = names().collect();
    LineFault::new(token.span.clone(), problem, "a word such as `src` (docs/rules.md lists them)")
        .near(suggest(name, names.iter().map(String::as_str)))
}
