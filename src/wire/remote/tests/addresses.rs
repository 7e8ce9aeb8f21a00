//! What an address and a target cannot be.

use super::*;

#[test]
fn an_address_has_a_form_that_exists_there() {
    let (open, opened) = (RemoteFrameType::Open, RemoteFrameType::Opened);
    for form in (0..=255).filter(|form| ![1, 3, 4, 6].contains(form)) {
        let payload = parts(&[WINDOW, &[form], &[1; 40]]);
        assert_eq!(found(open, &payload, 4), Fault::AddressForm(open, form));
    }
    for form in (0..=255).filter(|form| ![0, 1, 4, 6].contains(form)) {
        let payload = parts(&[WINDOW, &[form], &[1; 40]]);
        assert_eq!(found(opened, &payload, 4), Fault::AddressForm(opened, form));
    }
}

#[test]
fn an_address_that_leaves_too_few_or_too_many_bytes_is_refused_at_its_form() {
    let kind = RemoteFrameType::Open;
    let short = parts(&[WINDOW, &[6, 0, 0, 0], NONE]);
    assert_eq!(found(kind, &short, 4), Fault::Short(kind));
    let long = parts(&[WINDOW, V4, &[0; 111]]);
    assert_eq!(found(kind, &long, 4), Fault::Long(kind));
    let left = parts(&[WINDOW, V4, NONE, NONE]);
    assert_eq!(found(kind, &left, 11), Fault::Long(kind));
    let unix = parts(&[WINDOW, &[1, 4, b'/', b'a'], NONE]);
    assert_eq!(found(kind, &unix, 5), Fault::Short(kind));
}

#[test]
fn an_ipv4_address_is_not_written_as_one_of_ipv6() {
    let kind = RemoteFrameType::Open;
    let mut v6 = [0; 23];
    v6[0] = 6;
    v6[11..13].fill(0xff);
    let payload = parts(&[WINDOW, &v6, NONE]);
    assert_eq!(found(kind, &payload, 4 + 12), Fault::Mapped(kind));
}

#[test]
fn the_name_of_a_unix_socket_has_108_bytes_at_most() {
    let kind = RemoteFrameType::Open;
    let at_most = parts(&[WINDOW, &[1, 108], &[b'x'; 108], NONE]);
    whole(&raw(kind, 0, 1, &at_most));
    for length in [109, 200] {
        let payload = parts(&[WINDOW, &[1, length], &[b'x'; 109]]);
        assert_eq!(found(kind, &payload, 5), Fault::UnixName(kind, length));
    }
}

#[test]
fn a_target_by_name_has_1_to_253_bytes_and_a_port() {
    let kind = RemoteFrameType::Open;
    let name =
        |length: u8, host: &[u8], port: &[u8]| parts(&[WINDOW, &[3, length], host, port, NONE]);
    whole(&raw(kind, 0, 1, &name(253, &[b'x'; 253], &[0, 1])));
    assert_eq!(found(kind, &name(0, b"a", &[0, 1]), 5), Fault::HostLength(0));
    assert_eq!(found(kind, &name(254, &[b'x'; 254], &[0, 1]), 5), Fault::HostLength(254));
    assert_eq!(found(kind, &name(3, b"abc", &[0, 0]), 10), Fault::HostPort);
    assert_eq!(found(kind, &name(3, b"a\0c", &[0, 1]), 7), Fault::Nul(kind));
}
