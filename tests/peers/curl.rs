//! The main use from end to end, as a person would try it.

use std::os::fd::AsRawFd;
use std::process::Command;

use crate::certificates::{Certificates, certificates};
use crate::ends::{at, listen};
use crate::haproxy::haproxy;
use crate::nginx::{OWN_FOLDERS, nginx};
use crate::place::Place;
use crate::running::Running;
use crate::servers::{HOSTS, proxy};
use crate::support::peer;

pub(crate) const PAGE: &str = "the page";

/// The address of curl: not the address that proxy itself has.
pub(crate) const CLIENT: &str = "127.0.0.2";

/// An nginx that answers with the page and logs the addresses in the header.
pub(crate) fn page(place: &Place, tls: Option<&Certificates>) -> Option<(String, Running)> {
    let listener = listen();
    let address = at(&listener);
    let (word, keys) = match tls {
        None => ("", String::new()),
        Some(made) => {
            let (chain, key) = (made.server.display(), made.server_key.display());
            ("ssl", format!("ssl_certificate {chain}; ssl_certificate_key {key};"))
        }
    };
    let blocks = format!(
        "http {{ {OWN_FOLDERS} log_format who 'client=$proxy_protocol_addr request=$request'; \
         server {{ listen {address} {word} proxy_protocol; {keys} \
         access_log /dev/stdout who; return 200 '{PAGE}'; }} }}\n"
    );
    let nginx = nginx(place, &listener, &blocks)?;
    Some((address.to_string(), nginx))
}

/// What curl receives from `url`.
pub(crate) fn curl(url: &str, certificates: &Certificates) -> Option<String> {
    let output = Command::new(peer("curl")?)
        .args(["--silent", "--show-error", "--fail", "--max-time", "20", "--noproxy", "*"])
        .args(["--interface", CLIENT, "--cacert"])
        .arg(&certificates.ca)
        .arg(url)
        .output()
        .expect("curl runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).expect("text"))
}

#[test]
fn curl_over_tls_through_proxy_gets_nginx_s_page_and_nginx_sees_the_client() {
    let Some(certificates) = certificates() else { return };
    for host in HOSTS {
        for version in ["v1", "v2"] {
            let place = Place::new(&format!("curl-{host}-{version}"));
            let Some((backend, nginx)) = page(&place, None) else { return };
            let proxy = proxy(&format!(
                "--tls {} {} --alpn http/1.1 --backend {backend} --send-proxy {version} \
                 --host {host}",
                certificates.server.display(),
                certificates.server_key.display(),
            ));
            let url = format!("https://{}/", proxy.ready());
            let Some(answer) = curl(&url, certificates) else { return };
            assert_eq!(answer, PAGE);
            nginx.stdout.until_said(&format!("client={CLIENT} request=GET / "));
        }
    }
}

#[test]
fn curl_through_haproxy_through_proxy_gets_the_page_of_nginx_behind_tls() {
    let Some(certificates) = certificates() else { return };
    for host in HOSTS {
        let place = Place::new(&format!("whole-chain-{host}"));
        let Some((backend, nginx)) = page(&place, Some(certificates)) else { return };
        let proxy = proxy(&format!(
            "--accept-proxy 127.0.0.1/32 --backend {backend} --send-proxy v2 --backend-tls {} \
             --sni localhost --host {host}",
            certificates.ca.display(),
        ));
        let front = listen();
        let sections = format!(
            "listen front\n bind fd@{}\n server proxy {} send-proxy-v2\n",
            front.as_raw_fd(),
            proxy.ready(),
        );
        let Some(_haproxy) = haproxy(&place, &front, &sections) else { return };
        let Some(answer) = curl(&format!("http://{}/", at(&front)), certificates) else { return };
        assert_eq!(answer, PAGE);
        nginx.stdout.until_said(&format!("client={CLIENT} request=GET / "));
    }
}
