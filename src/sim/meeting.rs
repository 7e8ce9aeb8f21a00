//! How two ends find each other: addresses, listeners, connection attempts.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::endpoint::{EndpointOwner, EndpointState, Listening, unbound};
use super::knobs::FIRST_PORT;
use super::network::{Network, NetworkEvent, Segment};
use super::site::ConnectResponse;
use super::slot::{DescriptorSlot, EndpointId};
use crate::sys::{Addr, Errno, Family, Fd, ListenSpec, PathId, SockOpt};
use crate::time::SECOND;

/// When a SYN that was not answered is sent again (RFC 6298 section 2).
const RETRY: u64 = SECOND;
/// When Linux gives up a SYN that is never answered: six retries (tcp(7), tcp_syn_retries).
const GIVE_UP: u64 = 127 * SECOND;

/// What becomes of a connection attempt.
enum ConnectOutcome {
    Paired(EndpointId),
    Refused(Errno),
    /// No room in the backlog.
    Full,
    Silent,
}

/// Whether `addr` is a path in the file system.
pub(super) fn path(addr: &Addr) -> Option<&[u8]> {
    match addr {
        Addr::Unix(name) if name.first().is_some_and(|first| *first != 0) => Some(name),
        _ => None,
    }
}

const fn with_port(addr: &SocketAddr, port: u16) -> Addr {
    let mut addr = *addr;
    addr.set_port(port);
    Addr::Ip(addr)
}

/// Whether a listener at `at` takes connections to `to`.
fn covers(at: &Addr, v6_only: bool, to: &Addr) -> bool {
    let (Addr::Ip(at), Addr::Ip(to)) = (at, to) else { return at == to };
    let same_family = at.is_ipv4() == to.is_ipv4();
    let reaches = same_family || (at.is_ipv6() && !v6_only);
    at.port() == to.port() && (at.ip() == to.ip() || (at.ip().is_unspecified() && reaches))
}

impl Network {
    fn port(&mut self) -> u16 {
        loop {
            let port = self.next_port;
            self.next_port = port.checked_add(1).unwrap_or(FIRST_PORT);
            let mut taken =
                self.listeners.iter().filter_map(|id| self.endpoints[*id].local.as_ip());
            if taken.all(|at| at.port() != port) {
                return port;
            }
        }
    }

    fn is_taken(&self, addr: &Addr, reuse_port: bool, v6_only: bool) -> bool {
        self.listeners.iter().any(|id| {
            let Some(other) = &self.endpoints[*id].listening else { return false };
            let Some(at) = &other.at else { return false };
            let clash = covers(at, other.v6_only, addr) || covers(addr, v6_only, at);
            clash && !(reuse_port && other.reuse_port)
        })
    }

    pub(super) fn bind(&mut self, id: EndpointId, addr: &Addr) -> Result<(), Errno> {
        if addr.family() != self.endpoints[id].family {
            return Err(Errno(libc::EAFNOSUPPORT));
        }
        if self.endpoints[id].local != unbound(addr.family()) {
            return Err(Errno(libc::EINVAL));
        }
        let late = self.endpoints[id].options.contains(&SockOpt::BindAddressNoPort);
        self.endpoints[id].local = match addr {
            Addr::Ip(ip) if ip.port() == 0 && !late => with_port(ip, self.port()),
            _ if self.is_taken(addr, false, false) => return Err(Errno(libc::EADDRINUSE)),
            _ => addr.clone(),
        };
        if let Some(path) = path(addr)
            && !self.paths.insert(path.into())
        {
            return Err(Errno(libc::EADDRINUSE));
        }
        Ok(())
    }

    pub(super) fn listen(&mut self, spec: &ListenSpec) -> Result<Fd, Errno> {
        let (at, bound) = match &spec.addr {
            Addr::Ip(ip) if ip.port() == 0 => {
                let at = with_port(ip, self.port());
                (at.clone(), at)
            }
            Addr::Unix(_) if let Some(path) = path(&spec.addr) => {
                self.forget_path(&spec.addr);
                (spec.addr.clone(), temporary(path))
            }
            addr => (addr.clone(), addr.clone()),
        };
        if self.is_taken(&at, spec.reuse_port, spec.v6_only) {
            return Err(Errno(libc::EADDRINUSE));
        }
        let id = self.endpoints.len();
        let fd = self.open(DescriptorSlot::Socket(id))?;
        self.add(at.family(), EndpointOwner::Engine);
        if let Some(path) = path(&at) {
            self.paths.insert(path.into());
        }
        let end = &mut self.endpoints[id];
        end.stage = EndpointState::Listening;
        end.local = bound;
        end.listening = Some(Listening {
            at: Some(at),
            waiting: VecDeque::new(),
            backlog: usize::try_from(spec.backlog).unwrap_or(0),
            v6_only: spec.v6_only,
            reuse_port: spec.reuse_port,
            drops_syns: false,
        });
        if end.family != Family::Unix {
            end.options.push(SockOpt::NoDelay);
        }
        self.listeners.push(id);
        Ok(fd)
    }

    /// The file at a path is identified by the listener that the path leads to.
    pub(super) fn path_id(&self, addr: &Addr) -> Option<PathId> {
        path(addr)?;
        let found = self.listeners.iter().copied().find(|id| {
            let listening = self.endpoints[*id].listening.as_ref();
            listening.is_some_and(|listening| listening.at.as_ref() == Some(addr))
        })?;
        Some(PathId { device: 0, number: found as u64 })
    }

    /// The listener at a path can no longer be found there.
    pub(super) fn forget_path(&mut self, addr: &Addr) {
        let Some(path) = path(addr) else { return };
        self.paths.remove(path);
        for id in &self.listeners {
            if let Some(listening) = &mut self.endpoints[*id].listening {
                listening.at.take_if(|at| at == addr);
            }
        }
    }

    pub(super) fn accept(&mut self, listener: EndpointId) -> Result<(Fd, Addr), Errno> {
        let Some(listening) = &self.endpoints[listener].listening else {
            return Err(Errno(libc::EINVAL));
        };
        // The descriptor is allocated before a connection is taken: EMFILE even when none waits.
        let first = listening.waiting.front().copied();
        let fd = self.open(first.map_or(DescriptorSlot::Free, DescriptorSlot::Socket))?;
        let Some(id) = first else { return Err(Errno::AGAIN) };
        if let Some(listening) = &mut self.endpoints[listener].listening {
            listening.waiting.pop_front();
        }
        let peer = self.endpoints[id].remote.clone();
        Ok((fd, peer.unwrap_or_else(|| unbound(self.endpoints[id].family))))
    }

    /// `connect`, called by the engine.
    pub(super) fn connect(&mut self, id: EndpointId, to: &Addr) -> Result<(), Errno> {
        let end = &mut self.endpoints[id];
        match end.stage {
            EndpointState::Listening => return Err(Errno(libc::EINVAL)),
            EndpointState::Connecting => return Err(Errno(libc::EALREADY)),
            EndpointState::Done if !end.reported => {
                // The failure is reported once, and the socket can be connected again (tcp_disconnect).
                end.begin_anew();
                return Err(end.error.take().unwrap_or(Errno(libc::ECONNABORTED)));
            }
            EndpointState::Connected | EndpointState::Done => {
                end.reported = true;
                return Ok(());
            }
            EndpointState::Idle if to.family() != end.family => {
                return Err(Errno(libc::EAFNOSUPPORT));
            }
            EndpointState::Idle => {}
        }
        if end.family != Family::Unix {
            if self.answer_at(to) == Some(ConnectResponse::NoRoute) {
                return Err(Errno(libc::ENETUNREACH));
            }
            self.set_out(id, to);
            return Err(Errno(libc::EINPROGRESS));
        }
        match self.admit(id, to) {
            ConnectOutcome::Paired(_) => {
                let end = &mut self.endpoints[id];
                end.stage = EndpointState::Connected;
                end.reported = true;
                Ok(())
            }
            ConnectOutcome::Refused(errno) => Err(errno),
            ConnectOutcome::Full | ConnectOutcome::Silent => Err(Errno::AGAIN),
        }
    }

    /// Sends the first packet of a connection attempt.
    pub(super) fn set_out(&mut self, client: EndpointId, to: &Addr) {
        let local = self.endpoints[client].local.clone();
        self.endpoints[client].local = match &local {
            Addr::Ip(ip) if ip.port() == 0 => {
                let mut from = *ip;
                if from.ip().is_unspecified() {
                    from.set_ip(match from {
                        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
                        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
                    });
                }
                with_port(&from, self.port())
            }
            _ => local,
        };
        let end = &mut self.endpoints[client];
        end.stage = EndpointState::Connecting;
        end.remote = Some(to.clone());
        let at = self.now + self.latency();
        self.cause(at, NetworkEvent::Knock { client, to: to.clone() });
    }

    /// The first packet of a connection attempt arrives.
    pub(super) fn knock(&mut self, client: EndpointId, to: Addr) {
        let back = self.now + self.latency();
        match self.admit(client, &to) {
            ConnectOutcome::Paired(server) => self.depart(server, Segment::Established, 0),
            ConnectOutcome::Refused(errno) => {
                self.cause(back, NetworkEvent::Fail { client, errno })
            }
            ConnectOutcome::Full if self.endpoints[client].stage == EndpointState::Connecting => {
                self.cause(self.now + RETRY, NetworkEvent::Knock { client, to });
            }
            ConnectOutcome::Full => {}
            ConnectOutcome::Silent => {
                let errno = Errno(libc::ETIMEDOUT);
                self.cause(self.now + GIVE_UP, NetworkEvent::Fail { client, errno });
            }
        }
    }

    fn answer_at(&self, to: &Addr) -> Option<ConnectResponse> {
        self.sites.iter().find(|site| site.at == *to).map(|site| site.answer)
    }

    fn admit(&mut self, client: EndpointId, to: &Addr) -> ConnectOutcome {
        let site = self.sites.iter().position(|site| site.at == *to);
        if let Some(site) = site {
            return match self.sites[site].answer {
                ConnectResponse::Accept => {
                    let server = self.pair(client, to, EndpointOwner::Remote);
                    self.sites[site].waiting.push_back(server);
                    ConnectOutcome::Paired(server)
                }
                ConnectResponse::Refuse => ConnectOutcome::Refused(Errno(libc::ECONNREFUSED)),
                ConnectResponse::Unreachable | ConnectResponse::NoRoute => {
                    ConnectOutcome::Refused(Errno(libc::EHOSTUNREACH))
                }
                ConnectResponse::Silent => ConnectOutcome::Silent,
                ConnectResponse::Full => ConnectOutcome::Full,
            };
        }
        let Some(listener) = self.listener_for(to) else {
            let missing = path(to).is_some_and(|path| !self.paths.contains(path));
            let errno = if missing { libc::ENOENT } else { libc::ECONNREFUSED };
            return ConnectOutcome::Refused(Errno(errno));
        };
        let Some(listening) = &self.endpoints[listener].listening else {
            return ConnectOutcome::Silent;
        };
        // Linux lets one more wait than was requested (sk_acceptq_is_full).
        if listening.waiting.len() > listening.backlog {
            return ConnectOutcome::Full;
        }
        let is_unix = self.endpoints[listener].is_unix();
        let local = if is_unix { self.endpoints[listener].local.clone() } else { to.clone() };
        let server = self.pair(client, &local, EndpointOwner::Engine);
        self.endpoints[server].options = self.endpoints[listener].options.clone();
        if let Some(listening) = &mut self.endpoints[listener].listening {
            listening.waiting.push_back(server);
        }
        ConnectOutcome::Paired(server)
    }

    /// Makes the other end of `client`, at `local`.
    fn pair(&mut self, client: EndpointId, local: &Addr, owner: EndpointOwner) -> EndpointId {
        let server = self.add(local.family(), owner);
        let end = &mut self.endpoints[client];
        end.pair = Some(server);
        end.remote = Some(local.clone());
        let from = end.local.clone();
        let end = &mut self.endpoints[server];
        end.stage = EndpointState::Connected;
        end.reported = true;
        end.local = local.clone();
        end.remote = Some(from);
        end.pair = Some(client);
        server
    }

    /// The listener that takes a connection to `to`; the closest match, and by chance where
    /// several share the port.
    fn listener_for(&mut self, to: &Addr) -> Option<EndpointId> {
        let matching = |exact: bool| -> Vec<EndpointId> {
            let takes = |id: &EndpointId| {
                let listening = self.endpoints[*id].listening.as_ref();
                listening.filter(|it| !it.drops_syns).is_some_and(|it| {
                    it.at
                        .as_ref()
                        .is_some_and(|at| if exact { at == to } else { covers(at, it.v6_only, to) })
                })
            };
            self.listeners.iter().copied().filter(takes).collect()
        };
        let exact = matching(true);
        let found = if exact.is_empty() { matching(false) } else { exact };
        let chosen = if found.len() > 1 { self.random.below(found.len() as u64) } else { 0 };
        found.get(chosen as usize).copied()
    }
}

/// The name a unix listener is bound under before it is renamed, which stays its address.
fn temporary(path: &[u8]) -> Addr {
    let directory = path.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
    Addr::Unix([&path[..directory], b".vst0"].concat().into())
}
