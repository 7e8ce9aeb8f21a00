//! Names the shared library honestly and keeps it loaded.
#![allow(clippy::disallowed_methods, reason = "cargo speaks to a build script by its environment")]

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let elf = std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| {
        matches!(os.as_str(), "linux" | "android" | "freebsd" | "netbsd" | "openbsd")
    });
    if elf {
        // The number changes with the binary interface, and only then.
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libvestibule.so.0");
        // Unloading would pull the code from under thread-local destructors of the dependencies.
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
        // aws-lc would take its memory from functions of these names, whoever in the process has them.
        if std::env::var_os("CARGO_FEATURE_AWS_LC_RS").is_some() {
            for name in ["alloc", "free", "get_size", "realloc"] {
                println!("cargo::rustc-cdylib-link-arg=-Wl,--defsym=OPENSSL_memory_{name}=0");
            }
        }
    }
    // What the C tests are compiled for.
    for name in ["HOST", "TARGET"] {
        let triple = std::env::var(name).unwrap_or_default();
        println!("cargo::rustc-env=VST_{name}={triple}");
    }
}
