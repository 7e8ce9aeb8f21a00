//! Any order of calls of all C functions, over a simulated network: with ids and handles that are valid,
//! stale, foreign or none, from outside and from every callback, and with frees at any moment. Nothing
//! panics or leaks, every answer is one that the header lists, every end is reported once, and every
//! descriptor is released and closed.
#![cfg_attr(simulated, no_main)]

#[cfg(simulated)]
#[path = "surface"]
mod parts {
    mod arguments;
    mod block;
    mod calls;
    mod configs;
    mod finish;
    mod header;
    mod host;
    mod input;
    mod make;
    mod outcome;
    mod pool;
    mod scene;
    mod words;
    mod world;

    pub use scene::Scene;
}

#[cfg(not(simulated))]
fn main() {
    panic!(
        "the socket calls of this build are the kernel's: fuzz/run builds it with --cfg simulated"
    );
}

#[cfg(simulated)]
mod run {
    use std::backtrace::Backtrace;
    use std::panic;

    use vestibule::ffi::surface::{vst_engine_free, vst_engine_new, vst_engine_options};

    use super::parts::Scene;

    /// What a run begins with, so that few bytes get far.
    const BEGINNING: &[&str] = &[
        "vst_engine_new",
        "vst_engine_new",
        "vst_table_new",
        "vst_rules_new",
        "vst_tls_server_new",
        "vst_tls_client_new",
        "vst_accept_config_new",
        "vst_accept_config_new",
        "vst_connect_config_new",
        "vst_connect_config_new",
        "vst_stream_config_new",
        "vst_listener_open",
        "vst_listener_open",
        "vst_listener_open",
        "vst_backend_new",
        "vst_backend_add_server",
        "vst_agent_new",
        "vst_link_open",
        "vst_connect_config_new",
        "vst_conn_connect",
    ];

    /// Before the first run.
    pub fn prepare() {
        // A panic inside would be caught, and its place forgotten: the library's hook, which the first
        // engine sets, is replaced.
        let mut options: vst_engine_options = unsafe { std::mem::zeroed() };
        options.size = size_of::<vst_engine_options>() as u32;
        let mut engine = std::ptr::null_mut();
        unsafe { vst_engine_new(&raw const options, &mut engine, std::ptr::null_mut(), 0) };
        unsafe { vst_engine_free(engine) };
        panic::set_hook(Box::new(|info| {
            eprintln!("{info}\n{}", Backtrace::force_capture());
            std::process::abort();
        }));
    }

    pub fn run(bytes: &[u8]) {
        let scene = Box::new(Scene::new(bytes));
        BEGINNING.iter().for_each(|name| scene.call_named(name));
        scene.drive(0);
        while !scene.input.is_empty() {
            match scene.input.byte() % 16 {
                0..=8 => scene.call_any(),
                9 | 10 => scene.act_as_peer(),
                11 => scene.change_weather(),
                12 => scene.drive(scene.input.pick(&[1_000_000_000, 50_000_000, 6_000_000_000])),
                _ => scene.drive(200_000),
            }
        }
        scene.finish();
    }
}

#[cfg(simulated)]
libfuzzer_sys::fuzz_target!(init: run::prepare(), |input: &[u8]| run::run(input));
