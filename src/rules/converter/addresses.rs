//! Converters of addresses.

use std::net::IpAddr;

use super::word::converters;
use crate::rules::param::{ParamKind, optional, param};
use crate::rules::value::Value;

const MASK4: ParamKind = ParamKind::Mask(32);
const MASK6: ParamKind = ParamKind::Mask(128);

converters! {
    "ipmask" [param("mask4", MASK4), optional("mask6", MASK6)]: Addr -> Addr,
        |value, arguments, _| match value {
            // An IPv4-mapped address is the IPv4 address it stands for.
            Value::Addr(address) => match address.to_canonical() {
                IpAddr::V4(v4) => {
                    let IpAddr::V4(mask) = arguments.address(0)? else { return None };
                    Some(Value::Addr((v4 & mask).into()))
                }
                IpAddr::V6(v6) => {
                    let IpAddr::V6(mask) = arguments.address(1)? else { return None };
                    Some(Value::Addr((v6 & mask).into()))
                }
            },
            _ => None,
        },
        "the network of the address, by the length of its prefix or a mask; not there for IPv6 without `mask6`", "";
}
