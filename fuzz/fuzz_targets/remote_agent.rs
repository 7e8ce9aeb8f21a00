//! A hostile client against an agent: frames in any order and of any kind, bytes that are none, descriptors,
//! and whatever the agent's host does meanwhile. Nothing panics, what is held is bounded, all of it ends,
//! and the next client is served.
#![no_main]

mod remote_side;

use std::ffi::{CStr, CString, c_char, c_void};
use std::io::Read;
use std::os::fd::{AsRawFd, IntoRawFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::ptr::{null, null_mut};

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use remote_side::{
    BUDGET, Driver, Id, SECOND, VST_OK, WINDOW, frame, hello, options, pointer, say,
};
use vestibule as _;

unsafe extern "C" {
    fn vst_agent_new(
        engine: *mut c_void,
        options: *const u8,
        out: *mut Id,
        why: *mut c_char,
        size: usize,
    ) -> i32;
    fn vst_agent_serve(engine: *mut c_void, agent: Id, conn: Id) -> i32;
    fn vst_agent_offer(engine: *mut c_void, agent: Id, conn: Id, name: *const c_char) -> i32;
    fn vst_agent_resolved(
        engine: *mut c_void,
        agent: Id,
        ticket: u64,
        addr: *const c_void,
        sys_errno: i32,
    ) -> i32;
    fn vst_agent_drain(engine: *mut c_void, agent: Id) -> i32;
    fn vst_agent_close(engine: *mut c_void, agent: Id) -> i32;
    fn vst_agent_load(engine: *mut c_void, agent: Id, clients: *mut u32, channels: *mut u32)
    -> i32;
    fn vst_conn_adopt(
        engine: *mut c_void,
        fd: i32,
        user: *mut c_void,
        out: *mut Id,
        sys_errno: *mut i32,
        why: *mut c_char,
        size: usize,
    ) -> i32;
}

/// How many connections one client may have.
const CHANNELS: u32 = 6;

struct Scene {
    driver: Driver,
    agent: Id,
    site_name: CString,
    site: UnixListener,
    served: Vec<UnixStream>,
    client: UnixStream,
    fronts: Vec<UnixStream>,
}

impl Scene {
    fn new() -> Self {
        let name = format!("vestibule-fuzz-agent-{}", std::process::id());
        let addr = SocketAddr::from_abstract_name(&name).expect("a name");
        let site = UnixListener::bind_addr(&addr).expect("nobody else has it");
        site.set_nonblocking(true).expect("a socket");
        let site_name = CString::new(format!("unix:@{name}")).expect("no NUL");
        let driver = Driver::new();
        let agent = new_agent(&driver, &site_name);
        let (client, ours) = UnixStream::pair().expect("descriptors");
        let mut scene =
            Self { driver, agent, site_name, site, served: Vec::new(), client, fronts: Vec::new() };
        scene.serve(ours);
        scene
    }

    /// A session of the host's, over this socket.
    fn adopt(&mut self, ours: UnixStream) -> Id {
        let (mut id, fd) = (0, ours.into_raw_fd());
        let engine = self.driver.engine;
        let made =
            unsafe { vst_conn_adopt(engine, fd, null_mut(), &mut id, null_mut(), null_mut(), 0) };
        assert_eq!(made, VST_OK);
        self.driver.conns.insert(id);
        id
    }

    fn serve(&mut self, ours: UnixStream) {
        let id = self.adopt(ours);
        assert_eq!(unsafe { vst_agent_serve(self.driver.engine, self.agent, id) }, VST_OK);
        self.driver.turn();
    }

    /// What the agent has connected to.
    fn site_does(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        while let Ok((server, _)) = self.site.accept() {
            server.set_nonblocking(true).expect("a socket");
            self.served.push(server);
        }
        let which = usize::from(u.arbitrary::<u8>()?);
        let count = self.served.len().max(1);
        let Some(server) = self.served.get_mut(which % count) else { return Ok(()) };
        match u.arbitrary::<u8>()? % 4 {
            0 => drop(self.served.swap_remove(which % count)),
            1 => drop(server.shutdown(std::net::Shutdown::Write)),
            2 => drop(server.read(&mut [0; 20_000])),
            _ => say(server, &[5; 9_000], None),
        }
        Ok(())
    }

    fn step(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let engine = self.driver.engine;
        match u.arbitrary::<u8>()? % 16 {
            0..=7 => {
                let bytes = frame(u, &self.site_name, &[3; 6000])?;
                let passed = u.ratio(1, 32)?.then(|| self.client.as_raw_fd());
                say(&self.client, &bytes, passed);
            }
            8 | 9 => self.site_does(u)?,
            10 => {
                if let Some(ticket) = self.driver.tickets.pop() {
                    let errno = i32::from(u.arbitrary::<u8>()? % 3);
                    unsafe { vst_agent_resolved(engine, self.agent, ticket, null(), errno) };
                }
            }
            11 if self.fronts.len() < 8 => {
                let (front, ours) = UnixStream::pair().expect("descriptors");
                front.set_nonblocking(true).expect("a socket");
                say(&front, &[9; 100], None);
                let id = self.adopt(ours);
                unsafe { vst_agent_offer(engine, self.agent, id, c"web".as_ptr()) };
                self.fronts.push(front);
            }
            12 => drop((&self.client).read(&mut [0; 30_000])),
            13 => self.driver.use_one(u)?,
            14 => self.driver.pass(u64::from(u.arbitrary::<u8>()?) * SECOND / 8),
            _ if u.ratio(1, 64)? => {
                unsafe { vst_agent_drain(engine, self.agent) };
            }
            _ => {}
        }
        self.driver.turn();
        Ok(())
    }

    /// A client that keeps to the protocol is answered; then everything ends.
    fn finish(mut self) {
        drop(std::mem::replace(&mut self.client, UnixStream::pair().expect("descriptors").0));
        self.fronts.clear();
        self.served.clear();
        self.driver.turn();
        let engine = self.driver.engine;
        unsafe { vst_agent_close(engine, self.agent) };
        self.driver.turn();
        self.driver.abort_all();
        while self.site.accept().is_ok() {}
        self.driver.pass(40 * SECOND);
        self.driver.pass(40 * SECOND);
        assert_eq!(self.driver.wait().conns, 0, "all of it has ended");
        assert!(self.driver.conns.is_empty());

        self.agent = new_agent(&self.driver, &self.site_name);
        let (mut client, ours) = UnixStream::pair().expect("descriptors");
        client.set_nonblocking(true).expect("a socket");
        self.serve(ours);
        say(&client, &hello(), None);
        self.driver.turn();
        let mut answer = [0; 100];
        assert_eq!(client.read(&mut answer).ok(), Some(24), "a HELLO");
        drop(client);
        self.driver.turn();
        let (mut clients, mut channels) = (9, 9);
        unsafe { vst_agent_load(engine, self.agent, &mut clients, &mut channels) };
        assert_eq!((clients, channels), (0, 0));
        self.driver.free();
    }
}

fn new_agent(driver: &Driver, site: &CStr) -> Id {
    let allow = CString::new(format!("{}, a.test:*, 192.0.2.1:9", site.to_str().expect("a name")));
    let allow = allow.expect("no NUL");
    let options = options(
        96,
        &[
            (4, &CHANNELS.to_ne_bytes()),
            (16, &pointer(allow.as_ptr())),
            (56, &BUDGET.to_ne_bytes()),
            (88, &WINDOW.to_ne_bytes()),
        ],
    );
    let mut agent = 0;
    let made = unsafe { vst_agent_new(driver.engine, options.as_ptr(), &mut agent, null_mut(), 0) };
    assert_eq!(made, VST_OK);
    agent
}

fuzz_target!(|input: &[u8]| {
    let mut scene = Scene::new();
    scene.client.set_nonblocking(true).expect("a socket");
    let mut u = Unstructured::new(input);
    // Mostly it is one that would be served.
    if u.ratio(7, 8).unwrap_or(false) {
        say(&scene.client, &hello(), None);
        scene.driver.turn();
    }
    while !u.is_empty() && scene.step(&mut u).is_ok() {}
    scene.finish();
});
