//! A hostile agent against a client: frames in any order and of any kind, bytes that are none, descriptors,
//! and whatever the client's host does meanwhile. Nothing panics, what is held is bounded, and all of it
//! ends.
#![no_main]

mod remote_side;

use std::ffi::{CString, c_char, c_void};
use std::io::Read;
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::ptr::{null, null_mut};

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use remote_side::{BUDGET, Driver, Id, SECOND, VST_OK, frame, hello, none, options, pointer, say};
use vestibule as _;

unsafe extern "C" {
    fn vst_link_open(
        engine: *mut c_void,
        address: *const c_char,
        config: *const c_void,
        options: *const u8,
        out: *mut Id,
        why: *mut c_char,
        size: usize,
    ) -> i32;
    fn vst_link_accept(
        engine: *mut c_void,
        link: Id,
        name: *const c_char,
        config: *const c_void,
        user: *mut c_void,
        why: *mut c_char,
        size: usize,
    ) -> i32;
    fn vst_link_stop_accepting(engine: *mut c_void, link: Id, name: *const c_char) -> i32;
    fn vst_link_close(engine: *mut c_void, link: Id) -> i32;
    fn vst_accept_config_new(
        options: *const u8,
        out: *mut *mut c_void,
        why: *mut c_char,
        size: usize,
    ) -> i32;
    fn vst_accept_config_free(config: *mut c_void);
    fn vst_connect_config_new(
        options: *const u8,
        out: *mut *mut c_void,
        why: *mut c_char,
        size: usize,
    ) -> i32;
    fn vst_connect_config_free(config: *mut c_void);
    fn vst_conn_connect(
        engine: *mut c_void,
        address: *const c_char,
        config: *const c_void,
        args: *const c_void,
        out: *mut Id,
        why: *mut c_char,
        size: usize,
    ) -> i32;
}

const NO_DESCRIPTOR: u64 = 1 << 56;

struct Scene {
    driver: Driver,
    link: Id,
    is_closing: bool,
    door: UnixListener,
    agent: Option<UnixStream>,
    accept: *mut c_void,
    /// Raw, raw and in frames, with the agent's TLS.
    connects: [*mut c_void; 3],
    /// What is passed, and the other ends of it.
    passed: Vec<(UnixStream, UnixStream)>,
}

fn made(make: impl FnOnce(*mut *mut c_void) -> i32) -> *mut c_void {
    let mut out = null_mut();
    assert_eq!(make(&mut out), VST_OK);
    out
}

impl Scene {
    fn new() -> Self {
        let name = format!("vestibule-fuzz-client-{}", std::process::id());
        let addr = SocketAddr::from_abstract_name(&name).expect("a name");
        let door = UnixListener::bind_addr(&addr).expect("nobody else has it");
        door.set_nonblocking(true).expect("a socket");
        let driver = Driver::new();
        let text = CString::new(format!("unix:@{name}")).expect("no NUL");
        let of_link = options(40, &[(16, &BUDGET.to_ne_bytes())]);
        let (engine, mut link) = (driver.engine, 0);
        let opened = unsafe {
            vst_link_open(engine, text.as_ptr(), none(), of_link.as_ptr(), &mut link, null_mut(), 0)
        };
        assert_eq!(opened, VST_OK);
        let of_accept = options(128, &[]);
        let accept =
            made(|out| unsafe { vst_accept_config_new(of_accept.as_ptr(), out, null_mut(), 0) });
        let id = link.to_ne_bytes();
        let (profile, server) = (pointer(c"inner".as_ptr()), pointer(c"a.test".as_ptr()));
        let connects = [
            options(176, &[(152, &id)]),
            options(176, &[(152, &id), (8, &NO_DESCRIPTOR.to_ne_bytes())]),
            options(176, &[(152, &id), (168, &profile), (32, &server)]),
        ];
        let connects = connects.map(|options| {
            made(|out| unsafe { vst_connect_config_new(options.as_ptr(), out, null_mut(), 0) })
        });
        let (agent, passed) = (None, Vec::new());
        let mut scene =
            Self { driver, link, is_closing: false, door, agent, accept, connects, passed };
        scene.driver.turn();
        scene.meet();
        scene
    }

    /// The link's connection, if there is another one.
    fn meet(&mut self) {
        if let Ok((agent, _)) = self.door.accept() {
            agent.set_nonblocking(true).expect("a socket");
            self.agent = Some(agent);
        }
    }

    fn host_does(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let engine = self.driver.engine;
        match u.arbitrary::<u8>()? % 8 {
            0..=3 if self.driver.conns.len() < 12 => {
                let config = self.connects[usize::from(u.arbitrary::<u8>()? % 3)];
                let mut id = 0;
                let to = c"192.0.2.1:80".as_ptr();
                let answer =
                    unsafe { vst_conn_connect(engine, to, config, null(), &mut id, null_mut(), 0) };
                assert!(answer > -50, "{answer}");
                // A link that is gone fails it at once.
                if answer == VST_OK {
                    self.driver.conns.insert(id);
                }
            }
            4 => {
                let (name, accept) = (c"web".as_ptr(), self.accept);
                unsafe {
                    vst_link_accept(engine, self.link, name, accept, null_mut(), null_mut(), 0)
                };
            }
            5 if u.ratio(1, 4)? => {
                unsafe { vst_link_stop_accepting(engine, self.link, c"web".as_ptr()) };
            }
            6 if u.ratio(1, 64)? => self.close(),
            _ => self.driver.use_one(u)?,
        }
        Ok(())
    }

    fn close(&mut self) {
        if !std::mem::replace(&mut self.is_closing, true) {
            assert_eq!(unsafe { vst_link_close(self.driver.engine, self.link) }, VST_OK);
        }
    }

    fn step(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        match u.arbitrary::<u8>()? % 16 {
            0..=7 => {
                let bytes = frame(u, c"unix:@site", &[3; 6000])?;
                let passes = u.ratio(1, 6)? && self.passed.len() < 8;
                let Some(agent) = &self.agent else { return Ok(()) };
                if passes {
                    let (one, other) = UnixStream::pair().expect("descriptors");
                    say(&other, b"hello", None);
                    say(agent, &bytes, Some(one.as_raw_fd()));
                    self.passed.push((one, other));
                } else {
                    say(agent, &bytes, None);
                }
            }
            8..=11 => self.host_does(u)?,
            12 => {
                if let Some(agent) = &mut self.agent {
                    let _ = agent.read(&mut [0; 30_000]);
                }
            }
            13 => self.driver.pass(u64::from(u.arbitrary::<u8>()?) * SECOND / 8),
            14 if u.ratio(1, 8)? => self.agent = None,
            _ => {
                self.meet();
                if let (Some(agent), true) = (&self.agent, u.ratio(7, 8)?) {
                    say(agent, &hello(), None);
                }
            }
        }
        self.driver.turn();
        Ok(())
    }

    fn finish(mut self) {
        self.agent = None;
        self.passed.clear();
        self.driver.abort_all();
        self.close();
        for _ in 0..20 {
            while self.door.accept().is_ok() {}
            self.driver.pass(10 * SECOND);
            self.driver.abort_all();
        }
        assert_eq!(self.driver.wait().conns, 0, "all of it has ended");
        assert!(self.driver.conns.is_empty() && self.driver.link_is_closed);
        self.driver.free();
        unsafe { vst_accept_config_free(self.accept) };
        for connect in self.connects {
            unsafe { vst_connect_config_free(connect) };
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let mut scene = Scene::new();
    let mut u = Unstructured::new(input);
    if let (Some(agent), true) = (&scene.agent, u.ratio(7, 8).unwrap_or(false)) {
        say(agent, &hello(), None);
    }
    while !u.is_empty() && scene.step(&mut u).is_ok() {}
    scene.finish();
});
