//! The hosts of `examples/hosts`: one script of clients, `tests/hosts/client.py`, is served by each of them the
//! same.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::examples::{built, example};
use crate::support::{missing, peer};

/// The exit code by which a host over io_uring says that the kernel refuses.
const NO_RING: i32 = 77;

/// The host of this name; `None` without the package that has its library, or where the kernel has no
/// io_uring for it.
pub(crate) fn host(name: &str, package: &str) -> Option<std::path::PathBuf> {
    let program = format!("hosts/{name}");
    if !built().join(&program).is_file() {
        return missing(package);
    }
    let path = example(&program);
    if name.starts_with("uring") {
        // Before it listens it makes a ring; that address is nobody's.
        let tried = Command::new(&path).args(["--listen", "nowhere"]).output().expect("it runs");
        if tried.status.code() == Some(NO_RING) {
            eprintln!("cannot be tried here: {}", String::from_utf8_lossy(&tried.stderr));
            return None;
        }
    }
    Some(path)
}

fn serves_all(name: &str, package: &str) {
    let Some(python) = peer("python3") else { return };
    let Some(host) = host(name, package) else { return };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hosts/client.py");
    let mut command = Command::new(python);
    command.args(["-B", "-W", "error"]).arg(script).arg(host).stdin(Stdio::null());
    // Cargo's own search path would take precedence over the one that a program was linked with.
    let output = command.env_remove("LD_LIBRARY_PATH").output().expect("python runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}:\n{said}");
}

/// Each is a test: its name, the host, and the package of Debian with the library.
macro_rules! hosts {
    ($($test:ident: $name:literal $package:literal,)*) => {$(
        #[test]
        fn $test() {
            serves_all($name, $package);
        }
    )*};
}

hosts! {
    a_host_over_level_triggered_epoll_serves_all_clients: "epoll" "libc6-dev",
    a_host_over_edge_triggered_epoll_serves_all_clients: "epoll_edge" "libc6-dev",
    a_host_over_poll_serves_all_clients: "poll" "libc6-dev",
    a_host_over_select_serves_all_clients: "select" "libc6-dev",
    a_host_without_callbacks_serves_all_clients: "pull" "libc6-dev",
    the_built_in_loop_serves_all_clients: "loop" "libc6-dev",
    a_host_over_libevent_serves_all_clients: "libevent" "libevent-dev",
    a_host_over_libuv_serves_all_clients: "libuv" "libuv1-dev",
    a_host_over_libev_serves_all_clients: "libev" "libev-dev",
    a_host_over_glib_serves_all_clients: "glib" "libglib2.0-dev",
    a_host_over_io_uring_serves_all_clients: "uring" "liburing-dev",
    a_host_over_io_uring_that_moves_the_bytes_serves_all_clients: "uring_fed" "liburing-dev",
}
