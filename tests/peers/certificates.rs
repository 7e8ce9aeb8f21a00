//! Certificates made once per run by openssl: no key is ever in the repository.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::place::Place;
use crate::support::peer;

/// Paths of PEM files.
pub(crate) struct Certificates {
    _place: Place,
    /// Signs the server and the client.
    pub(crate) ca: PathBuf,
    /// For `localhost` and the loopback addresses.
    pub(crate) server: PathBuf,
    pub(crate) server_key: PathBuf,
    /// Certificate and key in one file, as HAProxy expects them.
    pub(crate) server_both: PathBuf,
    pub(crate) client: PathBuf,
    pub(crate) client_key: PathBuf,
    /// An authority that signs nothing here.
    pub(crate) stranger: PathBuf,
    /// For `localhost`, and marked as an authority that has signed itself: what `openssl req -x509`
    /// makes.
    pub(crate) own_authority: PathBuf,
    /// For `localhost`, and of X.509 version 1: what `openssl x509 -req` makes.
    pub(crate) version_1: PathBuf,
}

/// The certificates of this run, or `None` without openssl.
pub(crate) fn certificates() -> Option<&'static Certificates> {
    static MADE: OnceLock<Certificates> = OnceLock::new();
    let openssl = peer("openssl")?;
    Some(MADE.get_or_init(|| make(&openssl)))
}

fn make(openssl: &Path) -> Certificates {
    let place = Place::new("certificates");
    // Without it, openssl would add the extensions of the system's configuration.
    let config = place.write("openssl.cnf", "[req]\ndistinguished_name = dn\n[dn]\n");
    let request = |name: &str, subject: &str, signer: Option<&str>, extensions: &[&str]| {
        let mut command = Command::new(openssl);
        command.args(["req", "-x509", "-nodes", "-days", "2", "-newkey", "ec"]);
        command.args(["-pkeyopt", "ec_paramgen_curve:P-256", "-subj", subject, "-config"]);
        command.arg(&config).arg("-keyout").arg(place.join(format!("{name}.key")));
        command.arg("-out").arg(place.join(format!("{name}.pem")));
        if let Some(signer) = signer {
            command.arg("-CA").arg(place.join(format!("{signer}.pem")));
            command.arg("-CAkey").arg(place.join(format!("{signer}.key")));
        }
        for extension in extensions {
            command.args(["-addext", extension]);
        }
        let made = command.output().expect("openssl runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        place.join(format!("{name}.pem"))
    };
    let authority = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"];
    let ca = request("ca", "/CN=Authority", None, &authority);
    let stranger = request("stranger", "/CN=Stranger", None, &authority);
    let names = "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1";
    let own_authority = request("own", "/CN=localhost", None, &[authority[0], names]);
    let version_1 = version_1(openssl, &place, &own_authority);
    let leaf = ["basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature"];
    let server = request("server", "/CN=localhost", Some("ca"), &[leaf[0], leaf[1], names]);
    let of_client = "extendedKeyUsage=clientAuth";
    let name = "subjectAltName=DNS:client";
    let client = request("client", "/CN=client", Some("ca"), &[leaf[0], leaf[1], of_client, name]);
    let server_key = place.join("server.key");
    let both = [&server, &server_key]
        .map(|path| std::fs::read_to_string(path).expect("openssl wrote it"))
        .concat();
    let server_both = place.write("both.pem", &both);
    let client_key = place.join("client.key");
    Certificates {
        ca,
        server,
        server_key,
        server_both,
        client,
        client_key,
        stranger,
        own_authority,
        version_1,
        _place: place,
    }
}

/// A certificate for the same subject and key as `like`, in version 1: without extensions.
fn version_1(openssl: &Path, place: &Place, like: &Path) -> PathBuf {
    let (certificate, key) = (place.join("version-1.pem"), place.join("version-1.key"));
    let request = place.join("version-1.csr");
    std::fs::copy(like.with_extension("key"), &key).expect("openssl wrote it");
    let run = |command: &mut Command| {
        let made = command.output().expect("openssl runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    };
    let config = place.join("openssl.cnf");
    run(Command::new(openssl)
        .args(["req", "-new", "-subj", "/CN=localhost", "-config"])
        .arg(config)
        .arg("-key")
        .arg(&key)
        .arg("-out")
        .arg(&request));
    run(Command::new(openssl)
        .args(["x509", "-req", "-days", "2", "-in"])
        .arg(&request)
        .arg("-signkey")
        .arg(&key)
        .arg("-out")
        .arg(&certificate));
    certificate
}
