//! The operations of a connection: a row each, in the order they run.

/// Passes every row to the macro `$then`. A row has, for its operation: what it does; its name in code
/// and its number at the C boundary, which is stable and never used for another operation; the name that
/// is printed; the part of a connection's life it belongs to; what bounds it in time; which operations
/// must not be incomplete when it runs; when it is wanted from the beginning (by `conn::Start`); and the
/// function that is one step of it.
macro_rules! every_op {
    ($then:ident) => {
        $then! {
            /// A monitor is recognised by its source, before it sends anything. It is answered, and its
            /// connection ends.
            MonitorIn = 1, "MONITOR_IN", Incoming, Proxy, after earlier,
                when |start| start.is_monitor(),
                step monitor::step;
            /// Rules that need only the addresses of the socket, before anything is read.
            AcceptRules = 2, "ACCEPT_RULES", Incoming, Unbounded, after earlier,
                when |start| start.has_rules(RulePhase::Accept),
                step rules::step;
            /// The PROXY header is read. No later operation reads a byte before the header is complete.
            AcceptProxy = 3, "ACCEPT_PROXY", Incoming, Proxy, after earlier,
                when |start| start.accepts(|to| to.proxy.is_some()),
                step accept_proxy::step;
            /// The header that a NetScaler inserts is read, behind the PROXY header if both are
            /// configured.
            AcceptCip = 4, "ACCEPT_CIP", Incoming, Proxy, after earlier,
                when |start| start.accepts(|to| to.cip.is_some()),
                step accept_cip::step;
            /// Rules on the addresses that the headers announced.
            TcpRules = 5, "TCP_RULES", Incoming, Unbounded, after earlier,
                when |start| start.has_rules(RulePhase::Connection),
                step rules::step;
            /// Handlers of the host that run before TLS.
            CustomRaw = 6, "CUSTOM_RAW", Incoming, Custom, after earlier,
                when |start| start.accepts(|to| to.customs.iter().any(|custom| !custom.behind_tls)),
                step handlers::step;
            /// Rules on the first bytes, which are not consumed.
            Inspect = 7, "INSPECT", Incoming, Unbounded, after earlier,
                when |start| start.has_rules(RulePhase::Content),
                step rules::step;
            /// The handshake with a client.
            TlsAccept = 8, "TLS_ACCEPT", Incoming, Tls, after earlier,
                when |start| start.accepts(|to| to.tls.is_some()),
                step tls::accept;
            /// Rules on what the handshake agreed on.
            SessionRules = 9, "SESSION_RULES", Incoming, Unbounded, after earlier,
                when |start| start.has_rules(RulePhase::Session),
                step rules::step;
            /// Handlers of the host that run after the TLS handshake.
            CustomClear = 10, "CUSTOM_CLEAR", Incoming, Custom, after earlier,
                when |start| start.accepts(|to| to.customs.iter().any(|custom| custom.behind_tls)),
                step handlers::step;
            /// The last bytes are sent, and the connection ends without a session.
            SendLastChunk = 11, "SEND_LAST_CHUNK", Incoming, Linger, after earlier,
                when |_| false,
                step monitor::last_chunk;
            /// The session is given to the host.
            AcceptSession = 12, "ACCEPT_SESSION", Incoming, Unbounded, after earlier,
                when |start| start.accepts(|_| true),
                step accept_session;
            /// The socket is connected to the server.
            CtrlConnect = 13, "CTRL_CONNECT", Outgoing, Connect, after earlier,
                when |start| start.connects(|_| true),
                step connect::step;
            /// A PROXY header is sent before any other byte.
            SendProxy = 14, "SEND_PROXY", Outgoing, Connect, after earlier,
                when |start| start.connects(|to| to.send_proxy.is_some()),
                step send_proxy::step;
            /// The requests are sent to the SOCKS server.
            SocksSend = 15, "SOCKS_SEND", Outgoing, Connect, after earlier,
                when |start| start.connects(|to| to.socks.is_some()),
                step socks::send;
            /// The SOCKS server connects and answers. What follows its answer comes from the
            /// destination.
            SocksRecv = 16, "SOCKS_RECV", Outgoing, Connect, after earlier,
                when |start| start.connects(|to| to.socks.is_some()),
                step socks::receive;
            /// Handlers of the host towards a server that run before TLS.
            CustomRawOut = 17, "CUSTOM_RAW_OUT", Outgoing, Custom, after earlier,
                when |start| start.connects(|to| to.customs.iter().any(|custom| !custom.behind_tls)),
                step handlers::step;
            /// The handshake with a server.
            TlsConnect = 18, "TLS_CONNECT", Outgoing, Tls, after earlier,
                when |start| start.connects(|to| to.tls.is_some()),
                step tls::connect;
            /// Handlers of the host towards a server that run after the TLS handshake.
            CustomClearOut = 19, "CUSTOM_CLEAR_OUT", Outgoing, Custom, after earlier,
                when |start| start.connects(|to| to.customs.iter().any(|custom| custom.behind_tls)),
                step handlers::step;
            /// The data layer ends its outgoing side: unsent bytes, then close_notify.
            Dshw = 20, "DSHW", Closing, Linger, after [],
                when |_| false,
                step closing::data_shut_write;
            /// The data layer delivers no more bytes.
            Dshr = 21, "DSHR", Closing, Unbounded, after [],
                when |_| false,
                step closing::data_shut_read;
            /// The data layer is closed.
            Dclose = 22, "DCLOSE", Closing, Unbounded, after [Dshw Dshr],
                when |_| false,
                step closing::data_close;
            /// The control layer ends its outgoing side: the FIN.
            Cshw = 23, "CSHW", Closing, Unbounded, after [Dshw],
                when |_| false,
                step closing::ctrl_shut_write;
            /// The control layer delivers no more bytes.
            Cshr = 24, "CSHR", Closing, Unbounded, after [Dshr],
                when |_| false,
                step closing::ctrl_shut_read;
            /// The control layer waits for the peer's end, so that no reset destroys what was sent.
            Cclose = 25, "CCLOSE", Closing, Drain, after [Cshw Cshr Dclose],
                when |_| false,
                step closing::ctrl_close;
            /// The descriptor is released: the host's poller removes it first, then it is closed.
            Fclose = 26, "FCLOSE", Closing, Unbounded, after [Cclose],
                when |_| false,
                step closing::fd_close;
        }
    };
}

pub(crate) use every_op;
