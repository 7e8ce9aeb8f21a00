//! nginx's stream module on either side.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use crate::ends::{End, at, connect, listen};
use crate::place::Place;
use crate::running::{Running, inherit};
use crate::servers::{proxy, whoami};
use crate::support::peer;

/// Where the module may be as a file; if it is built in, there is none.
const STREAM_MODULES: [&str; 2] = [
    "/usr/lib/nginx/modules/ngx_stream_module.so",
    "/usr/lib64/nginx/modules/ngx_stream_module.so",
];

/// Starts nginx with `blocks`. It inherits the listener in the way of its own upgrades, so that no port
/// is ever guessed; a `listen` of `blocks` has the same address.
pub(crate) fn nginx(place: &Place, listener: &TcpListener, blocks: &str) -> Option<Running> {
    let listeners = std::slice::from_ref(listener);
    nginx_with(place, listeners, &format!("error_log stderr;\nevents {{ }}\n{blocks}"))
}

/// The same with several listeners, and with `config` for all but the module of streams and what every
/// nginx here has.
pub(crate) fn nginx_with(
    place: &Place,
    listeners: &[TcpListener],
    config: &str,
) -> Option<Running> {
    let program = peer("nginx")?;
    let module = STREAM_MODULES.iter().find(|path| Path::new(path).exists());
    let load = module.map(|path| format!("load_module {path};\n")).unwrap_or_default();
    // Inherited listeners need a master: nginx 1.22 crashes on them without one.
    let manners = "daemon off;\nworker_processes 1;\npid nginx.pid;\n";
    let mut command = Command::new(program);
    command.arg("-p").arg(&**place).args(["-e", "stderr", "-c"]);
    command.arg(place.write("nginx.conf", &format!("{load}{manners}{config}")));
    let mut numbers = String::new();
    for listener in listeners {
        // nginx leaves an inherited one as it is. In a blocking one, of two workers that are woken for the
        // same client, the second would wait inside accept.
        listener.set_nonblocking(true).expect("a socket");
        numbers += &format!("{};", inherit(&mut command, listener));
    }
    command.env("NGINX", numbers);
    Some(Running::spawn(&mut command).ended_by_a_signal())
}

/// Folders for nginx other than the system's.
pub(crate) const OWN_FOLDERS: &str = "client_body_temp_path t1; proxy_temp_path t2; \
     fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;";

#[test]
fn nginx_stream_tells_whoami_the_client() {
    let place = Place::new("nginx-into-whoami");
    let whoami = whoami("--accept-proxy 127.0.0.1/32");
    let front = listen();
    let (address, server) = (at(&front), whoami.ready());
    let blocks = format!(
        "stream {{ server {{ listen {address}; proxy_pass {server}; proxy_protocol on; }} }}\n"
    );
    let Some(_nginx) = nginx(&place, &front, &blocks) else { return };
    let mut client = connect(&address.to_string());
    let own = client.local_addr().expect("it is connected");
    client.say(b"abc");
    let expected = format!("{} {} {} {}\n", own.ip(), own.port(), address.ip(), address.port());
    assert_eq!(client.line(), expected);
    assert_eq!(client.exactly(3), b"abc");
    client.finish_writing();
    assert_eq!(client.rest().expect("an orderly end"), b"");
}

#[test]
fn nginx_stream_accepts_the_header_of_proxy_in_both_versions() {
    for version in ["v1", "v2"] {
        let place = Place::new(&format!("proxy-into-nginx-{version}"));
        let back = listen();
        let address = at(&back);
        let said = "$proxy_protocol_addr $proxy_protocol_port \
                    $proxy_protocol_server_addr $proxy_protocol_server_port";
        let blocks = format!(
            "stream {{ server {{ listen {address} proxy_protocol; return \"{said}\"; }} }}\n"
        );
        let Some(_nginx) = nginx(&place, &back, &blocks) else { return };
        let proxy = proxy(&format!("--backend {address} --send-proxy {version}"));
        let mut client = connect(&proxy.ready());
        let own = client.local_addr().expect("it is connected");
        let far = client.peer_addr().expect("it is connected");
        let answer = String::from_utf8(client.rest().expect("an orderly end")).expect("text");
        let expected = format!("{} {} {} {}", own.ip(), own.port(), far.ip(), far.port());
        assert_eq!(answer, expected);
    }
}
