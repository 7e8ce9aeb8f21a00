//! Acls that need no line.

/// An acl that needs no line.
pub(super) struct PredefinedAcl {
    pub(super) name: &'static str,
    /// What it stands for.
    pub(super) criterion: &'static str,
}

macro_rules! acls {
    ($($name:literal: $criterion:literal;)+) => {
        &[$(PredefinedAcl { name: $name, criterion: $criterion }),+]
    };
}

/// All of them.
pub(super) const ACLS: &[PredefinedAcl] = acls! {
    "TRUE": "always_true";
    "FALSE": "always_false";
    "LOCALHOST": "src 127.0.0.0/8 ::1";
    "WAIT_END": "wait_end";
    "REQ_CONTENT": "req.len gt 0";
    "HTTP": "req.proto_http";
    "METH_CONNECT": "method CONNECT";
    "METH_DELETE": "method DELETE";
    "METH_GET": "method GET HEAD";
    "METH_HEAD": "method HEAD";
    "METH_OPTIONS": "method OPTIONS";
    "METH_POST": "method POST";
    "METH_PUT": "method PUT";
    "METH_TRACE": "method TRACE";
    "RDP_COOKIE": "req.rdp_cookie_cnt gt 0";
};
