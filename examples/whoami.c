/* whoami: sends each client its addresses, then echoes what it sends.
 *
 *   whoami --listen ADDR:PORT [--accept-proxy CIDR,...|any] [--accept-cip CIDR,...]
 *          [--monitor-net CIDR,...] [--tls CERT KEY] [--rules FILE] [--host epoll|epoll-et|mio]
 *
 * What it does with sessions is in echo.c. The first line is SRC_IP SRC_PORT DST_IP DST_PORT, the
 * addresses that the connection stands for: with --accept-proxy those in the PROXY header, with
 * --accept-cip those in a NetScaler's header. "any" trusts every source, unix sockets included; never use that where clients can connect by themselves.
 * Sources of --monitor-net get "OK" and nothing more. --rules decides which clients are accepted, in the
 * language of docs/rules.md; on SIGHUP the file is read again.
 *
 * Prints "ready ADDR:PORT" when it serves; port 0 lets the kernel choose. */
#include "echo.h"
#include "host.h"
#include "rules.h"

#include <string.h>

static struct rule_file rules;

static void reload(struct host *host)
{
    (void)host;
    rules_reload(&rules);
}

static void usage(void)
{
    die("usage: whoami --listen ADDR:PORT [--accept-proxy CIDR,...|any] [--accept-cip CIDR,...]\n"
        "              [--monitor-net CIDR,...] [--tls CERT KEY] [--rules FILE]\n"
        "              [--host epoll|epoll-et|mio]");
}

int main(int argc, char **argv)
{
    const char *listen = NULL, *kind = "epoll", *rule_file = NULL;
    struct host host;
    vst_monitor_options monitor = {.size = sizeof monitor, .answer = VST_MONITOR_ANSWER_TEXT};
    vst_accept_options accept;
    vst_accept_config *config;
    vst_tls_server *tls = NULL;
    vst_id listener;
    char why[WHY_BYTES];

    vst_accept_options_init(&accept, sizeof accept);
    for (int i = 1; i < argc; i++) {
        int left = argc - i - 1;

        if (strcmp(argv[i], "--listen") == 0 && left >= 1)
            listen = argv[++i];
        else if (strcmp(argv[i], "--accept-proxy") == 0 && left >= 1)
            accept.accept_proxy = argv[++i];
        else if (strcmp(argv[i], "--accept-cip") == 0 && left >= 1)
            accept.accept_cip = argv[++i];
        else if (strcmp(argv[i], "--monitor-net") == 0 && left >= 1)
            monitor.monitor_net = argv[++i];
        else if (strcmp(argv[i], "--rules") == 0 && left >= 1)
            rule_file = argv[++i];
        else if (strcmp(argv[i], "--host") == 0 && left >= 1)
            kind = argv[++i];
        else if (strcmp(argv[i], "--tls") == 0 && left >= 2 && tls == NULL) {
            tls = read_tls(argv[i + 1], argv[i + 2]);
            i += 2;
        } else
            usage();
    }
    if (listen == NULL)
        usage();
    if (accept.accept_proxy != NULL && strcmp(accept.accept_proxy, "any") == 0)
        accept.accept_proxy = "any,unix";

    host_open(&host, kind, echo_event);
    host_on_hang_up(&host, reload);
    rules_open(&rules, rule_file, NULL);
    accept.rules = rules.rules;
    accept.tls = tls;
    if (monitor.monitor_net != NULL)
        accept.monitor = &monitor;
    if (vst_accept_config_new(&accept, &config, why, sizeof why) < 0)
        die("%s", why);
    listener = host_listen(&host, listen, config, NULL);
    /* The configuration is kept by the listener. */
    vst_accept_config_free(config);
    vst_tls_server_free(tls);
    host_serve(&host, listener);
    vst_rules_free(rules.rules);
    return 0;
}
