//! Our own ends of a connection: blocking sockets with a deadline, raw or under rustls.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::ops::{Deref, DerefMut};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, ConnectionCommon, RootCertStore, ServerConfig,
    ServerConnection, SideData, StreamOwned, SupportedProtocolVersion,
};

use crate::certificates::Certificates;
use crate::examples;
use crate::running::PATIENCE;

pub(crate) type TlsClient = StreamOwned<ClientConnection, TcpStream>;
pub(crate) type TlsServer = StreamOwned<ServerConnection, TcpStream>;

/// A writer from whom nothing is taken for this long has met backpressure.
pub(crate) const STOPPED: Duration = Duration::from_millis(300);

/// The errors of a connection that was ended by the other side, and not by our deadline.
const CUT: [ErrorKind; 4] = [
    ErrorKind::ConnectionReset,
    ErrorKind::BrokenPipe,
    ErrorKind::NotConnected,
    ErrorKind::UnexpectedEof,
];

/// A connection that can end its own side and still read.
pub(crate) trait End: Read + Write + Send {
    fn finish_writing(&mut self);

    fn rest(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.read_to_end(&mut bytes).map(|_| bytes)
    }

    /// Everything that arrives until the end, however abrupt: a peer that was refused may see a reset.
    fn last_words(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self.read_to_end(&mut bytes) {
            Err(why) if !CUT.contains(&why.kind()) => panic!("no end: {why}"),
            _ => bytes,
        }
    }

    fn exactly(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.read_exact(&mut bytes).expect("the bytes arrive");
        bytes
    }

    fn say(&mut self, bytes: &[u8]) {
        self.write_all(bytes).and_then(|()| self.flush()).expect("the bytes leave");
    }

    fn line(&mut self) -> String {
        // One byte at a time: no byte behind the line may be consumed.
        let mut line = String::new();
        BufReader::with_capacity(1, self).read_line(&mut line).expect("a line arrives");
        line
    }
}

impl End for TcpStream {
    fn finish_writing(&mut self) {
        self.shutdown(Shutdown::Write).expect("the socket is open");
    }
}

impl End for UnixStream {
    fn finish_writing(&mut self) {
        self.shutdown(Shutdown::Write).expect("the socket is open");
    }
}

impl<C, S> End for StreamOwned<C, TcpStream>
where
    C: DerefMut + Deref<Target = ConnectionCommon<S>> + Send,
    S: SideData,
{
    fn finish_writing(&mut self) {
        self.conn.send_close_notify();
        self.flush().expect("close_notify leaves");
        self.sock.finish_writing();
    }
}

fn patient(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream.set_write_timeout(Some(PATIENCE)).expect("a socket");
    stream.set_nodelay(true).expect("a socket");
    stream
}

pub(crate) fn connect(address: &str) -> TcpStream {
    let address: SocketAddr = address.parse().expect("an address");
    patient(TcpStream::connect_timeout(&address, PATIENCE).expect("somebody listens"))
}

/// Gives a socket, or those that a listener will accept, the smallest receive buffer. It has an effect
/// only before there is a connection: a window that was offered is not reduced.
pub(crate) fn narrow(socket: &impl AsRawFd) {
    let least: libc::c_int = 1;
    let size = libc::socklen_t::try_from(size_of_val(&least)).expect("a small number");
    let (level, name) = (libc::SOL_SOCKET, libc::SO_RCVBUF);
    let value = (&raw const least).cast();
    // SAFETY: the descriptor is open and the value is `size` bytes long.
    let set = unsafe { libc::setsockopt(socket.as_raw_fd(), level, name, value, size) };
    assert_eq!(set, 0);
}

/// A client with the smallest buffer.
pub(crate) fn connect_narrow(address: &str) -> TcpStream {
    let address: SocketAddrV4 = address.parse().expect("an address");
    let socket = tcp_socket();
    narrow(&socket);
    let name = ipv4(*address.ip(), address.port());
    let size = libc::socklen_t::try_from(size_of_val(&name)).expect("a small struct");
    // SAFETY: the struct is `size` bytes long.
    let done = unsafe { libc::connect(socket.as_raw_fd(), (&raw const name).cast(), size) };
    assert_eq!(done, 0, "somebody listens");
    patient(socket.into())
}

/// A client at an address that the test chooses.
pub(crate) fn connect_from(from: Ipv4Addr, to: SocketAddrV4) -> TcpStream {
    let socket = tcp_socket();
    let number = socket.as_raw_fd();
    // The port is chosen by the connect, which knows which are in use towards that address.
    let on: libc::c_int = 1;
    let size = libc::socklen_t::try_from(size_of_val(&on)).expect("a small number");
    let (level, name) = (libc::IPPROTO_IP, libc::IP_BIND_ADDRESS_NO_PORT);
    // SAFETY: the descriptor is open and the value is `size` bytes long.
    let done = unsafe { libc::setsockopt(number, level, name, (&raw const on).cast(), size) };
    assert_eq!(done, 0, "a socket of IP");
    let [from, to] = [ipv4(from, 0), ipv4(*to.ip(), to.port())];
    let size = libc::socklen_t::try_from(size_of_val(&from)).expect("a small struct");
    // SAFETY: the struct is `size` bytes long.
    let bound = unsafe { libc::bind(number, (&raw const from).cast(), size) };
    assert_eq!(bound, 0, "the address is this machine's");
    // SAFETY: the struct is `size` bytes long.
    let done = unsafe { libc::connect(number, (&raw const to).cast(), size) };
    // A client that is refused at once may learn of it before the connect returns: reading reports it
    // again.
    let error = std::io::Error::last_os_error();
    assert!(done == 0 || error.kind() == ErrorKind::ConnectionReset, "somebody listens: {error}");
    patient(socket.into())
}

fn tcp_socket() -> OwnedFd {
    let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC;
    // SAFETY: numbers only.
    let number = unsafe { libc::socket(libc::AF_INET, kind, 0) };
    assert!(number >= 0);
    // SAFETY: the call gave the descriptor to us alone.
    unsafe { OwnedFd::from_raw_fd(number) }
}

fn ipv4(ip: Ipv4Addr, port: u16) -> libc::sockaddr_in {
    libc::sockaddr_in {
        sin_family: libc::AF_INET as libc::sa_family_t,
        sin_port: port.to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from(ip).to_be() },
        sin_zero: [0; 8],
    }
}

/// Ends a connection with a reset.
pub(crate) fn reset(stream: TcpStream) {
    let now = libc::linger { l_onoff: 1, l_linger: 0 };
    let size = libc::socklen_t::try_from(size_of_val(&now)).expect("a small struct");
    let (level, name) = (libc::SOL_SOCKET, libc::SO_LINGER);
    let value = (&raw const now).cast();
    // SAFETY: the descriptor is open and the value is `size` bytes long.
    let set = unsafe { libc::setsockopt(stream.as_raw_fd(), level, name, value, size) };
    assert_eq!(set, 0);
    drop(stream);
}

/// A listener whose `accept` has a deadline.
pub(crate) fn listen() -> TcpListener {
    listen_at("127.0.0.1:0")
}

pub(crate) fn listen_at(address: &str) -> TcpListener {
    // A deadline must not run while the examples are built.
    examples::built();
    let listener = TcpListener::bind(address).expect("the address is this machine's");
    let seconds = libc::time_t::try_from(PATIENCE.as_secs()).expect("a few seconds");
    let most = libc::timeval { tv_sec: seconds, tv_usec: 0 };
    let size = libc::socklen_t::try_from(size_of_val(&most)).expect("a small struct");
    let (level, name) = (libc::SOL_SOCKET, libc::SO_RCVTIMEO);
    let value = (&raw const most).cast();
    // SAFETY: the descriptor is open and the value is `size` bytes long.
    let set = unsafe { libc::setsockopt(listener.as_raw_fd(), level, name, value, size) };
    assert_eq!(set, 0);
    listener
}

pub(crate) fn accept(listener: &TcpListener) -> TcpStream {
    patient(listener.accept().expect("somebody connects").0)
}

pub(crate) fn at(listener: &TcpListener) -> SocketAddr {
    listener.local_addr().expect("it is bound")
}

fn provider() -> Arc<CryptoProvider> {
    #[cfg(feature = "aws-lc-rs")]
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    #[cfg(not(feature = "aws-lc-rs"))]
    let provider = rustls::crypto::ring::default_provider();
    Arc::new(provider)
}

/// A client that trusts the CA of this run.
pub(crate) fn tls_client(
    certificates: &Certificates,
    versions: &[&'static SupportedProtocolVersion],
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_file(&certificates.ca).expect("a certificate");
    roots.add(ca).expect("a root");
    let config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(versions)
        .expect("versions of the provider")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

/// The same, with a certificate of its own.
pub(crate) fn tls_client_of(certificates: &Certificates) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_file(&certificates.ca).expect("a certificate");
    roots.add(ca).expect("a root");
    let chain = CertificateDer::from_pem_file(&certificates.client).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(&certificates.client_key).expect("a key");
    let config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(rustls::ALL_VERSIONS)
        .expect("versions of the provider")
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![chain], key)
        .expect("the key fits");
    Arc::new(config)
}

pub(crate) fn tls_server(certificates: &Certificates) -> Arc<ServerConfig> {
    tls_server_of(certificates, rustls::ALL_VERSIONS)
}

pub(crate) fn tls_server_of(
    certificates: &Certificates,
    versions: &[&'static SupportedProtocolVersion],
) -> Arc<ServerConfig> {
    let chain = CertificateDer::from_pem_file(&certificates.server).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(&certificates.server_key).expect("a key");
    let config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(versions)
        .expect("versions of the provider")
        .with_no_client_auth()
        .with_single_cert(vec![chain], key)
        .expect("the key fits");
    Arc::new(config)
}

pub(crate) fn hello(config: &Arc<ClientConfig>) -> ClientConnection {
    let name = ServerName::try_from("localhost").expect("a name");
    ClientConnection::new(Arc::clone(config), name).expect("a client")
}

/// TLS over a connected socket; the handshake happens with the first byte.
pub(crate) fn tls_over(config: &Arc<ClientConfig>, stream: TcpStream) -> TlsClient {
    StreamOwned::new(hello(config), stream)
}

pub(crate) fn tls_accept(config: &Arc<ServerConfig>, stream: TcpStream) -> TlsServer {
    let server = ServerConnection::new(Arc::clone(config)).expect("a server");
    StreamOwned::new(server, stream)
}

/// A socket that is bound and does not listen: its port is given to no other socket, and every connect
/// to it is refused, unless a program that was given the port listens there.
pub(crate) struct Deaf(OwnedFd, u16);

impl Deaf {
    pub(crate) fn new() -> Self {
        let socket = tcp_socket();
        let number = socket.as_raw_fd();
        let on: libc::c_int = 1;
        let size = libc::socklen_t::try_from(size_of_val(&on)).expect("a small number");
        let (level, name) = (libc::SOL_SOCKET, libc::SO_REUSEADDR);
        // SAFETY: the descriptor is open and the value is `size` bytes long.
        let set = unsafe { libc::setsockopt(number, level, name, (&raw const on).cast(), size) };
        assert_eq!(set, 0);
        let mut address = ipv4(Ipv4Addr::LOCALHOST, 0);
        let mut size = libc::socklen_t::try_from(size_of_val(&address)).expect("a small struct");
        // SAFETY: the struct is `size` bytes long.
        let bound = unsafe { libc::bind(number, (&raw const address).cast(), size) };
        assert_eq!(bound, 0);
        // SAFETY: the struct is written up to `size`.
        let reported =
            unsafe { libc::getsockname(number, (&raw mut address).cast(), &raw mut size) };
        assert_eq!(reported, 0);
        Self(socket, u16::from_be(address.sin_port))
    }

    pub(crate) fn address(&self) -> String {
        let Self(_held, port) = self;
        format!("127.0.0.1:{port}")
    }
}
