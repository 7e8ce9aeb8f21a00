//! The operations of a connection: a row each, in the order they run.

/// Hands every row to the macro `$then`. A row says, of its operation: what it is for; its name in code
/// and its number at the C boundary, which is stable and never given to another; the name that is
/// printed; the part of a connection's life it belongs to; what bounds it in time; which operations must
/// not be incomplete when it runs; when it is wanted from the beginning (by `conn::Start`); and the
/// function that is one step of it.
macro_rules! every_op {
    ($then:ident) => {
        $then! {
            /// A monitor (vst_monitor_options) is recognised by its source, is answered, and its
            /// connection ends.
            MonitorIn = 1, "MONITOR_IN", Incoming, Proxy, after earlier,
                when |start| start.is_monitor(),
                step monitor::step;
            /// tcp-request accept rules: on the socket's addresses, before anything is read.
            AcceptRules = 2, "ACCEPT_RULES", Incoming, Unbounded, after earlier,
                when |start| start.has_rules(RulePhase::Accept),
                step rules::step;
            /// The PROXY header is read, before any other byte.
            AcceptProxy = 3, "ACCEPT_PROXY", Incoming, Proxy, after earlier,
                when |start| start.accepts(|to| to.proxy.is_some()),
                step accept_proxy::step;
            /// The header of a NetScaler is read, after the PROXY header.
            AcceptCip = 4, "ACCEPT_CIP", Incoming, Proxy, after earlier,
                when |start| start.accepts(|to| to.cip.is_some()),
                step accept_cip::step;
            /// tcp-request connection rules: on the announced addresses.
            TcpRules = 5, "TCP_RULES", Incoming, Unbounded, after earlier,
                when |start| start.has_rules(RulePhase::Connection),
                step rules::step;
            /// The host's own handlers, before TLS.
            CustomRaw = 6, "CUSTOM_RAW", Incoming, Custom, after earlier,
                when |start| start.accepts(|to| to.customs.iter().any(|custom| !custom.behind_tls)),
                step handlers::step;
            /// The TLS handshake with a client.
            TlsAccept = 7, "TLS_ACCEPT", Incoming, Tls, after earlier,
                when |start| start.accepts(|to| to.tls.is_some()),
                step tls::accept;
            /// tcp-request session rules: on what the TLS handshake agreed on.
            SessionRules = 8, "SESSION_RULES", Incoming, Unbounded, after earlier,
                when |start| start.has_rules(RulePhase::Session),
                step rules::step;
            /// tcp-request content rules: on the first bytes, as TLS decrypted them; they stay unread.
            Inspect = 9, "INSPECT", Incoming, Unbounded, after earlier,
                when |start| start.has_rules(RulePhase::Content),
                step rules::step;
            /// The host's own handlers, after TLS.
            CustomClear = 10, "CUSTOM_CLEAR", Incoming, Custom, after earlier,
                when |start| start.accepts(|to| to.customs.iter().any(|custom| custom.behind_tls)),
                step handlers::step;
            /// The answer to a monitor is sent, instead of a session.
            SendLastChunk = 11, "SEND_LAST_CHUNK", Incoming, Linger, after earlier,
                when |_| false,
                step monitor::last_chunk;
            /// The host is given the session.
            AcceptSession = 12, "ACCEPT_SESSION", Incoming, Unbounded, after earlier,
                when |start| start.accepts(|_| true),
                step accept_session;
            /// The socket is connected to the server.
            CtrlConnect = 13, "CTRL_CONNECT", Outgoing, Connect, after earlier,
                when |start| start.connects(|_| true),
                step connect::step;
            /// A PROXY header is sent, before any other byte.
            SendProxy = 14, "SEND_PROXY", Outgoing, Connect, after earlier,
                when |start| start.connects(|to| to.send_proxy.is_some()),
                step send_proxy::step;
            /// The request is sent to a SOCKS server.
            SocksSend = 15, "SOCKS_SEND", Outgoing, Connect, after earlier,
                when |start| start.connects(|to| to.socks.is_some()),
                step socks::send;
            /// The answer of the SOCKS server is read; bytes after it are the destination's.
            SocksRecv = 16, "SOCKS_RECV", Outgoing, Connect, after earlier,
                when |start| start.connects(|to| to.socks.is_some()),
                step socks::receive;
            /// The host's own handlers towards a server, before TLS.
            CustomRawOut = 17, "CUSTOM_RAW_OUT", Outgoing, Custom, after earlier,
                when |start| start.connects(|to| to.customs.iter().any(|custom| !custom.behind_tls)),
                step handlers::step;
            /// The TLS handshake with a server.
            TlsConnect = 18, "TLS_CONNECT", Outgoing, Tls, after earlier,
                when |start| start.connects(|to| to.tls.is_some() || to.remote_tls().is_some()),
                step tls::connect;
            /// The host's own handlers towards a server, after TLS.
            CustomClearOut = 19, "CUSTOM_CLEAR_OUT", Outgoing, Custom, after earlier,
                when |start| start.connects(|to| to.customs.iter().any(|custom| custom.behind_tls)),
                step handlers::step;
            /// The data layer ends its outgoing side: unsent bytes, then close_notify.
            Dshw = 20, "DSHW", Closing, Linger, after [],
                when |_| false,
                step closing::data_shut_write;
            /// The data layer delivers no byte any more.
            Dshr = 21, "DSHR", Closing, Unbounded, after [],
                when |_| false,
                step closing::data_shut_read;
            /// The data layer is released.
            Dclose = 22, "DCLOSE", Closing, Unbounded, after [Dshw Dshr],
                when |_| false,
                step closing::data_close;
            /// The control layer ends its outgoing side: the FIN.
            Cshw = 23, "CSHW", Closing, Unbounded, after [Dshw],
                when |_| false,
                step closing::ctrl_shut_write;
            /// The control layer delivers no byte any more.
            Cshr = 24, "CSHR", Closing, Unbounded, after [Dshr],
                when |_| false,
                step closing::ctrl_shut_read;
            /// The control layer waits for the peer's end, so that no reset destroys what was sent.
            Cclose = 25, "CCLOSE", Closing, Drain, after [Cshw Cshr Dclose],
                when |_| false,
                step closing::ctrl_close;
            /// The descriptor is released by the host's poller and then closed.
            Fclose = 26, "FCLOSE", Closing, Unbounded, after [Cclose],
                when |_| false,
                step closing::fd_close;
        }
    };
}

pub(crate) use every_op;
