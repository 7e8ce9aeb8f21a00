//! The end of a run: engines are emptied in order or freed at once, and nothing is left.

use std::rc::Rc;

use vestibule::ffi::surface::*;
use vestibule::sys::{Fd, Net};
use vestibule::time::{MILLISECOND, SECOND};

use super::host::{Host, Kind};
use super::scene::Scene;

/// As often is an engine that ends driven at most, one second apart.
const ROUNDS_MOST: usize = 200;

impl Scene {
    pub fn finish(&self) {
        let in_order = self.input.one_in(2);
        self.quiet.set(true);
        if in_order {
            self.calm();
            let hosts = self.alive();
            hosts.iter().for_each(|host| end_in_order(host));
            self.wait_for_ends(&hosts);
        }
        for host in self.alive() {
            self.freeing.set(true);
            assert_eq!(unsafe { vst_engine_free(host.engine.get()) }, VST_OK);
            self.freeing.set(false);
            host.freed();
        }
        self.free_handles();
        assert_eq!(self.states.get(), 0, "what handlers kept was not given back");
        let mut net = self.world.net();
        for fd in self.fds.take() {
            net.close(Fd(fd));
        }
        assert_eq!(self.world.open_fds(), [], "not closed");
        set_world(None);
    }

    fn wait_for_ends(&self, hosts: &[Rc<Host>]) {
        for round in 0..ROUNDS_MOST {
            self.drive(if round % 8 == 0 { SECOND } else { MILLISECOND });
            let mut left = 0;
            for host in hosts {
                self.close_fed(host);
                left += left_in(host);
            }
            if left == 0 && hosts.iter().all(|host| host.open.borrow().is_empty()) {
                return;
            }
        }
        for host in hosts.iter().filter(|host| host.can_end()) {
            assert_eq!(left_in(host), 0, "it does not end: {:x?}", host.open.borrow());
            assert!(host.open.borrow().is_empty(), "no end of {:x?}", host.open.borrow());
        }
    }

    fn free_handles(&self) {
        self.snapshots.free_all();
        self.wakers.free_all();
        self.groups.free_all();
        self.accepts.free_all();
        self.connects.free_all();
        self.streams.free_all();
        self.rules.free_all();
        self.tables.free_all();
        self.servers.free_all();
        self.clients.free_all();
    }
}

impl Host {
    /// Whether its end can be waited for: it has the time of the simulated network, and a way to report
    /// interest.
    fn can_end(&self) -> bool {
        self.tells_time.get() && self.latest.get() <= self.scene().world.now().0
    }
}

fn end_in_order(host: &Host) {
    let engine = host.engine.get();
    unsafe { vst_engine_batch_end(engine, std::ptr::null_mut()) };
    assert_eq!(unsafe { vst_engine_drain(engine, VST_DRAIN_CLOSE, SECOND) }, VST_OK);
    let (links, agents) = (
        host.ids[Kind::Link as usize].borrow().clone(),
        host.ids[Kind::Agent as usize].borrow().clone(),
    );
    for link in links {
        unsafe { vst_link_close(engine, link) };
    }
    for agent in agents {
        unsafe { vst_agent_close(engine, agent) };
    }
}

/// Connections, streams and listeners that there are.
fn left_in(host: &Host) -> u32 {
    let mut wait: vst_wait = unsafe { std::mem::zeroed() };
    wait.size = size_of::<vst_wait>() as u32;
    assert_eq!(unsafe { vst_engine_wait(host.engine.get(), &raw mut wait) }, VST_OK);
    wait.conns + wait.streams + wait.listeners
}
