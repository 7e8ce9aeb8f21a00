//! What hosts, operators and peers say.

use std::ffi::CStr;

use vestibule::ffi::surface::*;
use vestibule::sys::Addr;

/// Where programs outside of the engines serve.
pub const SITES: &[&CStr] = &[c"192.0.2.1:80", c"[2001:db8::1]:80", c"unix:/run/site"];

/// Where engines listen and connect to.
pub const ADDRESSES: &[&CStr] = &[
    c"127.0.0.1:1000",
    c"127.0.0.1:1001",
    c"[::1]:1002",
    c"0.0.0.0:1003",
    c"unix:/run/one",
    c"unix:@two",
    c"unix:/run/agent",
    c"192.0.2.1:80",
    c"[2001:db8::1]:80",
    c"unix:/run/site",
    c"127.0.0.1:0",
    c"203.0.113.9:9",
    c"a.test:80",
];

pub const FROM: &[&CStr] = &[c"192.0.2.7:4000", c"192.0.2.8:7", c"10.0.0.9:5", c"[2001:db8::7]:6"];

pub fn addr(text: &CStr) -> Addr {
    Addr::parse(text.to_str().expect("ASCII")).expect("an address")
}

/// Categories of the trace.
pub const TRACED: &[u64] = &[
    VST_TRACE_CALLS as u64,
    VST_TRACE_EVENTS as u64,
    VST_TRACE_OPERATIONS as u64,
    VST_TRACE_BYTES as u64,
    VST_TRACE_TLS as u64,
    VST_TRACE_CLOSING as u64,
];

pub const NAMES: &[&CStr] = &[c"web", c"a.test", c"inner", c"", c"192.0.2.1"];
pub const NETS: &[&CStr] = &[c"any", c"any,unix", c"192.0.2.0/24", c"10.0.0.0/8,unix", c"nonsense"];
pub const ALPN: &[&CStr] = &[c"h2,http/1.1", c"http/1.1", c","];
pub const ALLOW: &[&CStr] = &[
    c"192.0.2.1:80,127.0.0.0/8:*,unix:/run/,*.test:80,a.test:*",
    c"192.0.2.1:80",
    c"0.0.0.0/0:*,[::]/0:*,unix:/",
];
pub const SERVERS: &[&CStr] = &[
    c"192.0.2.1:80",
    c"192.0.2.1:80,[2001:db8::1]:80",
    c"unix:/run/site",
    c"127.0.0.1:1000",
    c"127.0.0.1:1001,203.0.113.9:9",
    c"",
];

pub const TABLES: &[&CStr] = &[
    c"type ip size 20 expire 10s store conn_cur,conn_cnt,conn_rate(10s),gpc0,gpt0,server_id",
    c"type ipv6 size 2 nopurge store conn_cur,sess_rate(1s),bytes_in_rate(5s),bytes_out_cnt",
    c"type integer size 4 store gpc(3),gpt0",
    c"type string len 8 size 10 store gpt0,conn_cnt",
    c"type binary len 20 size 1k expire 1h store server_id",
    c"type ip",
];

pub const RULES: &[&str] = &[
    "tcp-request connection accept\n",
    "stick-table type ip size 10 expire 10s store conn_cur,conn_rate(10s)\n\
     tcp-request connection track-sc0 src\n\
     tcp-request connection reject if { sc0_conn_cur gt 3 }\n",
    "tcp-request inspect-delay 2s\n\
     tcp-request content accept if { req.len gt 3 }\n\
     tcp-request content reject if { req.ssl_sni -i -m end .test }\n",
    "tcp-request accept silent-drop if { src 10.0.0.0/8 }\n\
     tcp-request session accept\n\
     use_backend web if { src 192.0.2.0/24 }\n",
    "stick-table type string len 8 size 10 store gpc0\n\
     tcp-request inspect-delay 1s\n\
     tcp-request content track-sc1 req.payload(0,4)\n\
     tcp-request content set-var(sess.who) src\n",
    "tcp-request content track-sc0 src table web\nuse_backend inner\n",
    "stick-table type ip size 10\nstick on src\n\
     tcp-request connection expect-proxy layer4 if { src_port 1:30000 }\n\
     tcp-request session set-dst-port int(80)\n\
     tcp-request inspect-delay 1s\n\
     tcp-request content capture req.payload(0,0),hex len 40\n\
     tcp-request content set-var(txn.who) req.payload(0,4),lower,field(1,e)\n\
     tcp-request content set-log-level silent if { var(txn.who) -m len gt 1 }\n\
     tcp-request content set-var-fmt(sess.who) %[src]:%[req.payload(0,2)]\n\
     use_backend %[var(txn.who)]\nuse_backend web if HTTP\ndefault_backend inner\n",
    "filter bwlim-in up default-limit 10 default-period 1s\n\
     filter bwlim-out down default-limit 20 default-period 1s\n\
     tcp-request content set-bandwidth-limit up\n\
     tcp-request content set-bandwidth-limit down limit req.len period 2s\n\
     tcp-request inspect-delay 10ms\n",
    "default_backend inner\n\
     tcp-response inspect-delay 1s\n\
     tcp-response content reject if { res.len gt 40 } { bc_dst_port 1:2000 }\n\
     backend inner\n\
     stick-table type binary len 4 size 10\n\
     stick store-response res.payload(0,4)\n\
     tcp-request inspect-delay 1s\n\
     tcp-request content reject if { req.len 7 } { be_conn gt 1 }\n\
     tcp-request content capture src len 9\n",
    "tcp-request connection rejekt\n",
];
pub const VARIABLES: &[&CStr] = &[c"sess.who", c"txn.none", c"proc.x", c""];

const PROXY_V2: &[u8] =
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x14\xc0\0\x02\x21\xc6\x33\x64\x01\x12\x34\x01\xbb\
    \x02\0\x05hello";
const CIP: &[u8] =
    b"\xca\xfe\xba\xbe\0\0\0\x28\x45\0\0\x28\0\0\0\0\x40\x06\0\0\xc0\0\x02\x21\xc6\x33\x64\x01\
    \x12\x34\x01\xbb\0\0\0\0\0\0\0\0\x50\x02\0\0\0\0\0\0";
const HELLO: &[u8] = b"\x16\x03\x01\0\x3f\x01\0\0\x3b\x03\x03\
    abcdefghijklmnopqrstuvwxyz012345\0\0\x02\x13\x01\x01\0\0\x10\0\0\0\x0c\0\x0a\0\0\x07www.abc";
const ALERT: &[u8] = b"\x15\x03\x03\0\x02\x02\x28";

pub const BYTES: &[&[u8]] = &[
    b"GET / HTTP/1.0\r\n\r\n",
    b"x",
    b"",
    b"PROXY TCP4 192.0.2.33 198.51.100.1 1234 443\r\n",
    b"PROXY TCP4 192.0.2.33 198.51.100.1 1234 443\r\nGET / HTTP/1.0\r\n\r\n",
    b"PROXY UNKNOWN\r\nhello",
    b"PROXY TCP4 banana\r\n",
    PROXY_V2,
    CIP,
    HELLO,
    ALERT,
    b"\x05\0",
    b"\x05\0\0\x01\0\0\0\0\0\0hello",
    b"\0\x5a\0\0\0\0\0\0",
    &[b'a'; 1000],
    b"HTTP/1.0 200 OK\r\n\r\nhello",
];
