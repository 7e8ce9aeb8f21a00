/* Landlock, and a filter of system calls. See sandbox.h. */
#define _GNU_SOURCE
#include "sandbox.h"

#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- what may be read ------------------------------------------------------------------------ */

/* The rights over files that each version of Landlock knows, from the lowest bit on. All are taken away. */
static const unsigned rights_known[] = {0, 13, 14, 15, 15, 16};

/* The version since which Landlock knows of TCP, and its rights there. */
enum { FIRST_WITH_NET = 4, TCP_BIND_AND_CONNECT = 3 };

static void may_read(int rules, const char *path, uint64_t handled)
{
    struct landlock_path_beneath_attr beneath = {.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE};
    int folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (folder >= 0)
        beneath.allowed_access |= LANDLOCK_ACCESS_FS_READ_DIR;
    beneath.parent_fd = folder >= 0 ? folder : open(path, O_PATH | O_CLOEXEC);
    if (beneath.parent_fd < 0)
        return;
    beneath.allowed_access &= handled;
    if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) != 0)
        die("landlock: %s: %s", path, strerror(errno));
    close(beneath.parent_fd);
}

static void restrict_files(const struct sandbox *sandbox)
{
    const long latest = sizeof rights_known / sizeof rights_known[0] - 1;
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    struct { uint64_t files, net; } handled = {0, 0}; /* as much of landlock_ruleset_attr as is used */
    int rules;

    if (version <= 0) {
        if (sandbox->log)
            fprintf(stderr, "no Landlock in this kernel: files are not restricted\n");
        return;
    }
    handled.files = (UINT64_C(1) << rights_known[version < latest ? version : latest]) - 1;
    /* A socket that an agent has passed could be disconnected, and connected to somebody else. */
    if (sandbox->refuses_sockets && version >= FIRST_WITH_NET)
        handled.net = TCP_BIND_AND_CONNECT;
    rules = (int)syscall(SYS_landlock_create_ruleset, &handled,
                         handled.net != 0 ? sizeof handled : sizeof handled.files, 0);
    if (rules < 0)
        die("landlock: %s", strerror(errno));
    for (const char *const *path = sandbox->readable; path != NULL && *path != NULL; path++)
        may_read(rules, *path, handled.files);
    if (syscall(SYS_landlock_restrict_self, rules, 0) != 0)
        die("landlock: %s", strerror(errno));
    close(rules);
}

/* ---- which system calls are left ------------------------------------------------------------- */

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

/* The calls of x32 have this bit; no others do. */
#define X32_BIT UINT32_C(0x40000000)

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
/* The lower half of an argument: both architectures are little-endian. */
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, value)
#define REFUSAL RETURN(SECCOMP_RET_ERRNO | EACCES)
#define IF(test, value, yes, no) BPF_JUMP(BPF_JMP | test | BPF_K, value, yes, no)

/* The number of the call is loaded before each of these, and behind it. */
#define REFUSE(call) IF(BPF_JEQ, call, 0, 1), REFUSAL
#define REFUSE_UNLESS(call, argument, value) \
    IF(BPF_JEQ, call, 0, 4), LOAD(args[argument]), IF(BPF_JEQ, value, 1, 0), REFUSAL, LOAD(nr)
#define REFUSE_BITS(call, argument, bits) \
    IF(BPF_JEQ, call, 0, 4), LOAD(args[argument]), IF(BPF_JSET, bits, 0, 1), REFUSAL, LOAD(nr)

#ifdef ARCHITECTURE

static const struct sock_filter always[] = {
    LOAD(arch),
    IF(BPF_JEQ, ARCHITECTURE, 1, 0),
    RETURN(SECCOMP_RET_KILL_PROCESS),
    LOAD(nr),
    IF(BPF_JGE, X32_BIT, 0, 1),
    REFUSAL,
    REFUSE(SYS_execve),
    REFUSE(SYS_execveat),
    REFUSE(SYS_ptrace),
    REFUSE(SYS_process_vm_readv),
    REFUSE(SYS_process_vm_writev),
    REFUSE(SYS_pidfd_getfd),
    /* It opens files and sockets in calls that no filter sees. */
    REFUSE(SYS_io_uring_setup),
};

static const struct sock_filter no_sockets[] = {
    REFUSE_UNLESS(SYS_socket, 0, AF_UNIX),
};

static const struct sock_filter no_writing[] = {
    REFUSE_BITS(SYS_openat, 2, O_ACCMODE | O_CREAT | O_TRUNC),
    REFUSE(SYS_openat2), /* its flags are behind a pointer */
#ifdef SYS_open
    REFUSE_BITS(SYS_open, 1, O_ACCMODE | O_CREAT | O_TRUNC),
    REFUSE(SYS_creat),
#endif
};

struct filter {
    struct sock_filter steps[64];
    unsigned short count;
};

static void add(struct filter *filter, const struct sock_filter *steps, size_t size)
{
    memcpy(filter->steps + filter->count, steps, size);
    filter->count += (unsigned short)(size / sizeof *steps);
}

static void restrict_calls(const struct sandbox *sandbox)
{
    const struct sock_filter rest = RETURN(SECCOMP_RET_ALLOW);
    struct filter filter = {.count = 0};
    struct sock_fprog program;

    add(&filter, always, sizeof always);
    if (sandbox->refuses_sockets)
        add(&filter, no_sockets, sizeof no_sockets);
    if (sandbox->refuses_writing)
        add(&filter, no_writing, sizeof no_writing);
    add(&filter, &rest, sizeof rest);
    program = (struct sock_fprog){.len = filter.count, .filter = filter.steps};
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        die("seccomp: %s", strerror(errno));
}

#else

static void restrict_calls(const struct sandbox *sandbox)
{
    (void)sandbox;
    die("--sandbox knows the system calls of x86-64 and of arm64 only");
}

#endif

void sandbox_enter(const struct sandbox *sandbox)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        die("no_new_privs: %s", strerror(errno));
    restrict_files(sandbox);
    restrict_calls(sandbox);
}
