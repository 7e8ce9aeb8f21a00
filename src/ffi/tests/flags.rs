//! What the header's constants are taken for: a flag is one of the struct it is named after and an
//! unknown one everywhere else, and a number is of the kind that it is named after.

use std::collections::{BTreeMap, BTreeSet};
use std::ptr::null;

use super::super::agent::{vst_agent_new, vst_agent_options};
use super::super::backend::{vst_backend_new, vst_backend_options};
use super::super::connect_config::*;
use super::super::fed::{vst_conn_feed, vst_feed_args};
use super::super::handler::vst_handler;
use super::super::link::{vst_link_open, vst_link_options};
use super::super::monitor::vst_monitor_options;
use super::super::ptr::Sized32;
use super::super::server::{vst_backend_add_server, vst_server_options};
use super::super::start_tls::{vst_conn_start_tls, vst_start_tls};
use super::super::step::vst_step;
use super::super::stream::{vst_stream_config_free, vst_stream_config_new, vst_stream_options};
use super::super::tls::{vst_tls_server_new, vst_tls_server_options};
use super::super::tls_client::{vst_tls_client_new, vst_tls_client_options};
use super::*;

const HEADER: &str = include_str!("../../../include/vestibule.h");

/// Masks that the library tells or that are arguments: no struct of options accepts one of them.
const TOLD: [&str; 4] = ["VST_IO_", "VST_WAIT_", "VST_STEP_", "VST_CONN_"];
/// Structs in which the library tells flags.
const TELLING: [&str; 2] = ["vst_wait", "vst_step"];

/// Kinds of numbers, which are no flags, and masks that no struct has.
const KINDS: [&str; 31] = [
    "VST_FED_",
    "VST_OP_",
    "VST_WHY_",
    "VST_E_",
    "VST_FEATURE_",
    "VST_TRIGGER_",
    "VST_EVENT_",
    "VST_REASON_",
    "VST_DRAIN_",
    "VST_ADDR_",
    "VST_CLIENT_AUTH_",
    "VST_TLS_1_",
    "VST_TLS_TEXT_",
    "VST_MONITOR_ANSWER_",
    "VST_NEXT_",
    "VST_SOCKS_",
    "VST_KEY_",
    "VST_DATA_",
    "VST_SEND_PROXY_",
    "VST_PROXY_COMMAND_",
    "VST_PROXY_TRANSPORT_",
    "VST_SHUT_",
    "VST_BALANCE_",
    "VST_ADMIN_",
    "VST_STATE_",
    "VST_VERIFIED_",
    "VST_TLS_SESSIONS_",
    "VST_TRACE_",
    "VST_ORIGIN_",
    "VST_MOVER_",
    "VST_NODELAY_",
];
const SINGLE: [&str; 7] =
    ["VST_OK", "VST_WAIT", "VST_END", "VST_NONE", "VST_NEVER", "VST_NO_SERVER", "VST_ABI_VERSION"];

/// Whether a constant is of the kind that a prefix names: the longest that begins its name.
fn is_of(name: &str, prefix: &str) -> bool {
    let is_longer = |kind: &str| kind.len() > prefix.len() && name.starts_with(kind);
    name.starts_with(prefix) && !KINDS.iter().any(|kind| is_longer(kind))
}

/// The header's constants.
fn constants() -> BTreeMap<&'static str, u64> {
    let number = |value: &str| match value {
        "UINT64_MAX" => u64::MAX,
        "UINT32_MAX" => u32::MAX.into(),
        _ => match value.strip_prefix("UINT64_C(1) << ") {
            Some(bit) => 1 << bit.parse::<u32>().expect("a bit"),
            None => value.parse::<i64>().expect("a number").cast_unsigned(),
        },
    };
    let lines = HEADER.lines().filter_map(|line| line.strip_prefix("#define VST_"));
    let names = HEADER.lines().filter_map(|line| line.strip_prefix("#define "));
    let found: BTreeMap<_, _> = names
        .filter(|line| line.starts_with("VST_"))
        .filter_map(|line| line.split_once(" ("))
        .map(|(name, value)| (name, number(value.trim_end_matches(')'))))
        .collect();
    assert_eq!(found.len(), lines.count());
    found
}

/// The structs of the header that have a field of flags.
fn structs_with_flags() -> BTreeSet<&'static str> {
    let mut found = BTreeSet::new();
    for body in HEADER.split("\nstruct ").skip(1) {
        // Those without fields are opaque.
        let Some((name, body)) = body.split_once(" {\n") else { continue };
        let (fields, _) = body.split_once("\n};").expect("a struct ends");
        if fields.lines().any(|line| line.trim_start().ends_with("_t flags;")) {
            found.insert(name);
        }
    }
    found
}

type Answer = (vst_status, String);

/// A field of flags: the struct, the prefix of the flags, and what is answered to some.
struct Field<'a> {
    of: &'static str,
    prefix: &'static str,
    ask: Box<dyn Fn(u64) -> Answer + 'a>,
}

fn field<'a>(
    of: &'static str,
    prefix: &'static str,
    ask: impl Fn(u64) -> Answer + 'a,
) -> Field<'a> {
    Field { of, prefix, ask: Box::new(ask) }
}

/// A struct that says nothing but its size.
fn plain<T: Sized32>() -> T {
    let mut plain = std::mem::MaybeUninit::<T>::zeroed();
    // SAFETY: the first field is the size (contract of Sized32).
    unsafe { plain.as_mut_ptr().cast::<u32>().write(size_of::<T>() as u32) };
    // SAFETY: such a struct is valid when zero (contract of Sized32).
    unsafe { plain.assume_init() }
}

fn answer(call: impl FnOnce(*mut c_char, usize) -> vst_status) -> Answer {
    let mut why = [0_u8; 256];
    let status = call(why.as_mut_ptr().cast(), why.len());
    let why = CStr::from_bytes_until_nul(&why).expect("it ends with a NUL");
    (status, why.to_str().expect("a sentence").to_owned())
}

unsafe extern "C" fn step(_: *mut c_void, _: *mut vst_engine, _: *mut vst_step) -> i32 {
    super::super::step::VST_NEXT_DONE
}

fn accept(options: &vst_accept_options) -> Answer {
    answer(|why, size| {
        let mut config = null_mut();
        // SAFETY: all that the options point to lives.
        let made = unsafe { vst_accept_config_new(options, &raw mut config, why, size) };
        // SAFETY: freed once, here.
        unsafe { vst_accept_config_free(config) };
        made
    })
}

fn connect(options: &vst_connect_options) -> Answer {
    answer(|why, size| {
        let mut config = null_mut();
        // SAFETY: as above.
        let made = unsafe { vst_connect_config_new(options, &raw mut config, why, size) };
        // SAFETY: freed once, here.
        unsafe { vst_connect_config_free(config) };
        made
    })
}

/// The structs that are read without an engine.
fn fields_of_configurations() -> Vec<Field<'static>> {
    vec![
        field("vst_engine_options", "VST_ENGINE_", |flags| {
            let options = vst_engine_options { flags, ..plain() };
            answer(|why, size| {
                let mut engine = null_mut();
                // SAFETY: the options and the room for the engine are ours.
                let made =
                    unsafe { vst_engine_new(&raw const options, &raw mut engine, why, size) };
                // SAFETY: freed once, here; NULL is fine.
                assert_eq!(unsafe { vst_engine_free(engine) }, VST_OK);
                made
            })
        }),
        field("vst_accept_options", "VST_ACCEPT_", |flags| {
            accept(&vst_accept_options { flags, ..plain() })
        }),
        field("vst_monitor_options", "VST_MONITOR_", |flags| {
            let monitor =
                vst_monitor_options { flags, monitor_net: c"10.0.0.0/8".as_ptr(), ..plain() };
            accept(&vst_accept_options { monitor: &raw const monitor, ..plain() })
        }),
        field("vst_handler", "VST_HANDLER_", |flags| {
            let handler = vst_handler { flags, step: Some(step), ..plain() };
            accept(&vst_accept_options {
                handlers: &raw const handler,
                handler_count: 1,
                ..plain()
            })
        }),
        field("vst_connect_options", "VST_CONNECT_", |flags| {
            connect(&vst_connect_options { flags, ..plain() })
        }),
        field("vst_connect_options", "VST_PROXY_TLV_", |proxy_tlvs| {
            let send_proxy = VST_SEND_PROXY_V2;
            connect(&vst_connect_options { send_proxy, proxy_tlvs, ..plain() })
        }),
        // A version that is none, so that no certificate is looked for.
        field("vst_tls_server_options", "VST_TLS_SERVER_", |flags| {
            let options = vst_tls_server_options { flags, min_version: 1, ..plain() };
            let mut tls = null_mut();
            // SAFETY: the options and the room for the configuration are ours.
            answer(|why, size| unsafe {
                vst_tls_server_new(&raw const options, &raw mut tls, why, size)
            })
        }),
        field("vst_tls_client_options", "VST_TLS_CLIENT_", |flags| {
            let options = vst_tls_client_options { flags, min_version: 1, ..plain() };
            let mut tls = null_mut();
            // SAFETY: as above.
            answer(|why, size| unsafe {
                vst_tls_client_new(&raw const options, &raw mut tls, why, size)
            })
        }),
        field("vst_stream_options", "VST_STREAM_", |flags| {
            let options = vst_stream_options { flags, ..plain() };
            answer(|why, size| {
                let mut config = null_mut();
                // SAFETY: as above.
                let made = unsafe {
                    vst_stream_config_new(&raw const options, &raw mut config, why, size)
                };
                // SAFETY: freed once, here.
                unsafe { vst_stream_config_free(config) };
                made
            })
        }),
    ]
}

/// The structs that an engine reads. `config` is what its listeners go by.
fn fields_of_engine<'a>(
    engine: *mut vst_engine,
    config: *const vst_accept_config,
    backend: vst_id,
) -> Vec<Field<'a>> {
    vec![
        field("vst_listener_options", "VST_LISTENER_", move |flags| {
            let options = vst_listener_options { flags, ..plain() };
            let (options, address, mut id) = (&raw const options, c"127.0.0.1:0".as_ptr(), 0);
            // SAFETY: the engine and the configuration are not freed; all else is ours.
            answer(|why, size| unsafe {
                let (out, errno) = (&raw mut id, null_mut());
                vst_listener_open(engine, address, config, options, out, errno, why, size)
            })
        }),
        field("vst_feed_args", "VST_FEED_", move |flags| {
            let args = vst_feed_args { flags, ..plain() };
            let mut id = 0;
            // SAFETY: as above.
            answer(|why, size| unsafe {
                vst_conn_feed(engine, config, &raw const args, &raw mut id, why, size)
            })
        }),
        field("vst_backend_options", "VST_BACKEND_", move |flags| {
            let options = vst_backend_options { flags, ..plain() };
            let mut id = 0;
            // SAFETY: as above.
            answer(|why, size| unsafe {
                vst_backend_new(engine, &raw const options, &raw mut id, why, size)
            })
        }),
        field("vst_server_options", "VST_SERVER_", move |flags| {
            let name = std::ffi::CString::new(flags.to_string()).expect("it has no NUL");
            let options = vst_server_options { flags, name: name.as_ptr(), ..plain() };
            let mut number = 0;
            // SAFETY: as above.
            answer(|why, size| unsafe {
                let (options, out) = (&raw const options, &raw mut number);
                vst_backend_add_server(engine, backend, options, out, why, size)
            })
        }),
        field("vst_link_options", "VST_LINK_", move |flags| {
            let options = vst_link_options { flags, ..plain() };
            let (address, mut id) = (c"127.0.0.1:1".as_ptr(), 0);
            // SAFETY: as above.
            answer(|why, size| unsafe {
                let options = &raw const options;
                vst_link_open(engine, address, null(), options, &raw mut id, why, size)
            })
        }),
        field("vst_agent_options", "VST_AGENT_", move |flags| {
            let options = vst_agent_options { flags, ..plain() };
            let mut id = 0;
            // SAFETY: as above.
            answer(|why, size| unsafe {
                vst_agent_new(engine, &raw const options, &raw mut id, why, size)
            })
        }),
        field("vst_start_tls", "", move |flags| {
            let start = vst_start_tls { flags, ..plain() };
            // SAFETY: as above; it names no handle.
            answer(|why, size| unsafe {
                vst_conn_start_tls(engine, backend, &raw const start, why, size)
            })
        }),
    ]
}

#[test]
fn a_flag_of_one_struct_is_an_unknown_one_in_every_other() {
    let constants = constants();
    let host = Host::new(|_, _| {});
    let (engine, config) = (host.engine.get(), raw_config());
    let (options, mut backend) = (plain::<vst_backend_options>(), 0);
    // SAFETY: the engine is not freed, and the options are ours.
    let made = unsafe {
        vst_backend_new(engine, &raw const options, &raw mut backend, null_mut::<c_char>(), 0)
    };
    assert_eq!(made, VST_OK);
    let mut fields = fields_of_configurations();
    fields.extend(fields_of_engine(engine, config, backend));

    let asked: BTreeSet<_> = fields.iter().map(|field| field.of).chain(TELLING).collect();
    assert_eq!(asked, structs_with_flags(), "every struct with flags is asked");

    // Every flag, with the prefix that says whose it is.
    let prefixes: Vec<_> = fields.iter().map(|field| field.prefix).chain(TOLD).collect();
    let mut flags = Vec::new();
    for prefix in prefixes.into_iter().filter(|prefix| !prefix.is_empty()) {
        let own = constants.iter().filter(|(name, _)| is_of(name, prefix));
        let before = flags.len();
        flags.extend(own.map(|(name, bit)| (prefix, *name, *bit)));
        assert!(flags.len() > before, "{prefix} has flags");
    }
    let mut taken = 0;
    for (_, name, bit) in &flags {
        assert!(bit.is_power_of_two(), "{name} is one bit");
        assert_eq!(taken & bit, 0, "{name} has a bit of its own");
        taken |= bit;
    }

    for Field { of, prefix, ask } in &fields {
        let (own, foreign): (Vec<_>, Vec<_>) =
            flags.iter().partition(|(owner, _, _)| owner == prefix);
        for (_, name, bit) in &own {
            let (_, why) = ask(*bit);
            assert!(!why.contains("unknown"), "{of} does not know {name}: {why}");
        }
        // Alone, and beside the struct's own.
        let beside = own.iter().map(|(_, _, bit)| *bit).chain([0]);
        for beside in beside {
            for (_, name, bit) in &foreign {
                let (status, why) = ask(bit | beside);
                assert_eq!(status, VST_E_ARGUMENT, "{of} accepts {name}: {why}");
                assert!(why.contains("unknown"), "{of} says of {name}: {why}");
            }
        }
    }
    for (_, name, bit) in flags.iter().filter(|(prefix, _, _)| *prefix != "VST_IO_") {
        let Ok(events) = u32::try_from(*bit) else { continue };
        // SAFETY: the engine is not freed.
        let ready = unsafe { vst_engine_ready(engine, backend, events, 1, null_mut()) };
        assert_eq!(ready, VST_E_ARGUMENT, "readiness accepts {name}");
    }
    // SAFETY: freed once, here.
    unsafe { vst_accept_config_free(config) };
    drop(fields);
    host.free();
}

#[test]
fn a_constant_is_of_the_one_kind_that_its_prefix_names() {
    let constants = constants();
    let fields = fields_of_configurations().into_iter().map(|field| field.prefix);
    let engine = fields_of_engine(null_mut(), null(), 0).into_iter().map(|field| field.prefix);
    let prefixes: Vec<_> =
        fields.chain(engine).filter(|prefix| !prefix.is_empty()).chain(TOLD).chain(KINDS).collect();
    for prefix in &prefixes {
        let same = prefixes.iter().filter(|other| *other == prefix).count();
        assert_eq!(same, 1, "{prefix} names one kind");
        let of_it: Vec<_> = constants.iter().filter(|(name, _)| is_of(name, prefix)).collect();
        let values: BTreeSet<_> = of_it.iter().map(|(_, value)| **value).collect();
        assert!(!of_it.is_empty(), "{prefix} has values");
        assert_eq!(values.len(), of_it.len(), "{prefix} has no value twice");
    }
    for name in constants.keys().filter(|name| !SINGLE.contains(name)) {
        let kinds = prefixes.iter().filter(|prefix| is_of(name, prefix)).count();
        assert_eq!(kinds, 1, "{name} is of one kind");
    }
}
