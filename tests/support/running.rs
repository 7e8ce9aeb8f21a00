//! A child process that runs beside a test and never outlives it.

use std::io::Read;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long a test waits for what must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Default)]
struct Heard {
    text: String,
    ended: bool,
}

/// What a child prints, as it grows.
#[derive(Clone, Default)]
pub(crate) struct Speech(Arc<(Mutex<Heard>, Condvar)>);

impl Speech {
    fn follow(mut source: impl Read + Send + 'static) -> Self {
        let speech = Self::default();
        let writer = speech.clone();
        thread::spawn(move || {
            let mut chunk = [0; 16 * 1024];
            loop {
                let count = source.read(&mut chunk).unwrap_or(0);
                let mut heard = writer.lock();
                heard.text += &String::from_utf8_lossy(&chunk[..count]);
                heard.ended = count == 0;
                writer.0.1.notify_all();
                if count == 0 {
                    return;
                }
            }
        });
        speech
    }

    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All that was printed up to now.
    pub(crate) fn so_far(&self) -> String {
        self.lock().text.clone()
    }

    /// What `find` finds in the output, as soon as it is there.
    pub(crate) fn until<T>(&self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let mut heard = self.lock();
        loop {
            if let Some(found) = find(&heard.text) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let hopeless = heard.ended || left.is_zero();
            assert!(!hopeless, "waited in vain for {what}; heard:\n{}", heard.text);
            let waited = self.0.1.wait_timeout(heard, left);
            heard = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until `part` has been printed.
    pub(crate) fn until_said(&self, part: &str) {
        self.until(part, |text| text.contains(part).then_some(()));
    }

    /// Whether nothing can follow any more: the process, and all that share the pipe with it, have
    /// ended.
    fn wait_for_the_end(&self) -> bool {
        let waited = self.0.1.wait_timeout_while(self.lock(), PATIENCE, |heard| !heard.ended);
        waited.unwrap_or_else(PoisonError::into_inner).0.ended
    }

    /// Everything that was printed, once nothing can follow.
    pub(crate) fn to_the_end(&self) -> String {
        let ended = self.wait_for_the_end();
        assert!(ended, "the process does not end; heard:\n{}", self.so_far());
        self.so_far()
    }
}

/// A child. When dropped, it is killed and waited for; if the test is failing, its output is shown.
pub(crate) struct Running {
    name: String,
    child: Child,
    input: Option<ChildStdin>,
    has_children: bool,
    beside: Option<Box<Self>>,
    pub(crate) stdout: Speech,
    pub(crate) stderr: Speech,
}

impl Running {
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        // Cargo's own search path would take precedence over the one that a program was linked with.
        command.env_remove("LD_LIBRARY_PATH");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|why| panic!("{name}: {why}"));
        Self {
            name,
            input: child.stdin.take(),
            has_children: false,
            beside: None,
            stdout: Speech::follow(child.stdout.take().expect("it is piped")),
            stderr: Speech::follow(child.stderr.take().expect("it is piped")),
            child,
        }
    }

    /// For a program with children of its own, which would outlive it if it were killed.
    pub(crate) fn ended_by_a_signal(mut self) -> Self {
        self.has_children = true;
        self
    }

    /// Has another one live as long.
    pub(crate) fn beside(mut self, other: Self) -> Self {
        self.beside = Some(Box::new(other));
        self
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What follows `ready ` on a line of its own: the address at which it serves.
    pub(crate) fn ready(&self) -> String {
        let line = self.stdout.until("ready", |text| {
            let whole = &text[..=text.rfind('\n')?];
            whole.lines().find_map(|line| line.strip_prefix("ready ")).map(str::to_owned)
        });
        line.trim().to_owned()
    }

    /// The same, or none where the process ends without serving.
    #[allow(dead_code, reason = "not every test starts a program that may refuse to serve")]
    pub(crate) fn ready_or_ended(&self) -> Option<String> {
        let deadline = Instant::now() + PATIENCE;
        let mut heard = self.stdout.lock();
        while !heard.text.contains('\n') && !heard.ended {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "it neither serves nor ends");
            let waited = self.stdout.0.1.wait_timeout(heard, left);
            heard = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let serves = heard.text.contains('\n');
        drop(heard);
        serves.then(|| self.ready())
    }

    pub(crate) fn input(&mut self) -> &mut ChildStdin {
        self.input.as_mut().expect("the input is open")
    }

    pub(crate) fn end_input(&mut self) {
        self.input = None;
    }

    pub(crate) fn signal(&self, number: libc::c_int) {
        let id = libc::pid_t::try_from(self.id()).expect("a process id");
        // SAFETY: kill takes two numbers; the child is not waited for yet, so the id is its own.
        let done = unsafe { libc::kill(id, number) };
        assert_eq!(done, 0, "{} takes a signal", self.name);
    }

    /// Waits for the end of the process.
    pub(crate) fn exit(&mut self) -> ExitStatus {
        self.stdout.to_the_end();
        self.child.wait().expect("a child can be waited for")
    }

    /// The number of its open descriptors.
    pub(crate) fn descriptors(&self) -> usize {
        let folder = format!("/proc/{}/fd", self.id());
        std::fs::read_dir(folder).expect("the process lives").count()
    }

    /// The bytes of memory that it has written to. Pages of programs and libraries are left out: those
    /// of one that was linked a moment ago are dirty, and which process they are counted for depends on
    /// which others run it.
    pub(crate) fn written_bytes(&self) -> u64 {
        let name = format!("/proc/{}/smaps_rollup", self.id());
        let text = std::fs::read_to_string(name).expect("the process lives");
        let line = text.lines().find_map(|line| line.strip_prefix("Anonymous:"));
        let kilobytes = line.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse().ok());
        kilobytes.map_or_else(|| panic!("no Anonymous in:\n{text}"), |count: u64| count * 1024)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.has_children {
            self.signal(libc::SIGTERM);
            self.stdout.wait_for_the_end();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            let (out, err) = (self.stdout.so_far(), self.stderr.so_far());
            eprintln!("--- {} said\n{out}--- and on stderr\n{err}---", self.name);
        }
    }
}

/// Lets a child inherit a descriptor under its number.
pub(crate) fn inherit(command: &mut Command, descriptor: &impl AsRawFd) -> RawFd {
    let number = descriptor.as_raw_fd();
    let keep = move || {
        // SAFETY: between fork and exec: one system call, with numbers.
        match unsafe { libc::fcntl(number, libc::F_SETFD, 0) } {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        }
    };
    // SAFETY: the closure allocates nothing and takes no lock.
    unsafe { command.pre_exec(keep) };
    number
}

/// Gives a child its own limit of descriptors.
pub(crate) fn limit_descriptors(command: &mut Command, most: u64) {
    let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
    let set = move || {
        // SAFETY: between fork and exec: one system call that reads a struct of the closure.
        match unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) } {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        }
    };
    // SAFETY: the closure allocates nothing and takes no lock.
    unsafe { command.pre_exec(set) };
}

/// Raises this process's limit of descriptors, which children inherit, as far as possible.
pub(crate) fn raise_descriptors() -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the struct is written by the call.
    let got = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    assert_eq!(got, 0);
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: the struct is read by the call.
    let set = unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
    assert_eq!(set, 0);
    limit.rlim_cur
}
