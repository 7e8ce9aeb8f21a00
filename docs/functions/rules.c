// Rules: who may come in, and which backend a session is for.
#include <stdio.h>
#include <string.h>
#include <vestibule.h>

// Example of vst_rules_new, vst_rules_notes.
vst_rules *make_rules(void)
{
    static const char text[] =
        "stick-table type ip size 100k expire 10m store conn_rate(10s)\n"
        "tcp-request connection track-sc0 src\n"
        "tcp-request connection reject if { sc0_conn_rate gt 100 }\n"
        "tcp-request inspect-delay 5s\n"
        "tcp-request content set-var(txn.sni) req.ssl_sni\n"
        "use_backend mail if { dst_port 465 }\n"
        "default_backend web\n";
    vst_rules *rules;
    char why[1024], note[1024];
    size_t len;

    if (vst_rules_new((const uint8_t *)text, strlen(text), NULL, 0, NULL, &rules, why,
                      sizeof why) < 0) {
        fprintf(stderr, "%s\n", why); /* with the line and a caret below the mistake */
        return NULL;
    }
    for (size_t i = 0; vst_rules_notes(rules, i, note, sizeof note, &len) == VST_OK; i++)
        fprintf(stderr, "note: %.*s\n", (int)len, note); /* no mistakes, but good to know */
    return rules;
}

// Example of vst_rules_backends.
int make_backends(vst_engine *engine, const vst_rules *rules)
{
    vst_backend_options options;
    vst_id backend;
    char name[64];
    size_t len;

    vst_backend_options_init(&options, sizeof options);
    for (size_t i = 0; vst_rules_backends(rules, i, name, sizeof name - 1, &len) == VST_OK; i++) {
        name[len] = '\0';
        if (vst_backend_new(engine, &options, &backend, NULL, 0) < 0 ||
            vst_backend_set_name(engine, backend, name) < 0)
            return -1;
    }
    return 0;
}

// Example of vst_rules_unknown_backends.
void report_rules(const vst_rules *rules)
{
    uint64_t count;

    /* For a rule such as: use_backend %[ssl_fc_sni,lower,map(sites.map)] */
    if (vst_rules_unknown_backends(rules, &count) == VST_OK && count > 0)
        printf("%llu sessions were for a backend that is none\n", (unsigned long long)count);
}

// Example of vst_rules_replace, vst_rules_check, vst_rules_free.
int reload_rules(vst_engine *engine, vst_rules *rules, const char *text)
{
    vst_rules *fresh;
    char why[1024];

    /* Tables that have not changed keep their entries, since rules is given here. */
    if (vst_rules_new((const uint8_t *)text, strlen(text), NULL, 0, rules, &fresh, why,
                      sizeof why) < 0 ||
        vst_rules_check(engine, fresh, why, sizeof why) < 0) {
        fprintf(stderr, "the rules stay as they are:\n%s\n", why);
        vst_rules_free(fresh); /* NULL if there is none */
        return -1;
    }
    /* Listeners use rules: new connections get the new ones. */
    vst_status status = vst_rules_replace(rules, fresh);
    vst_rules_free(fresh);
    return status; /* VST_E_CONFIG: a line looks for a ClientHello, which TLS of a listener takes */
}

// Example of vst_conn_chosen_backend.
void on_session(vst_engine *engine, vst_id client, vst_id default_backend)
{
    vst_id backend, stream;
    vst_status status = vst_conn_chosen_backend(engine, client, &backend);

    if (status < 0)
        return; /* VST_E_CONFIG: the rules name no backend of ours, and the session is closed */
    if (status == VST_NONE)
        backend = default_backend;
    if (vst_conn_forward_to(engine, client, backend, NULL, NULL, &stream) < 0)
        vst_conn_close(engine, client);
}

// Example of vst_conn_variable.
void log_server_name(vst_engine *engine, vst_id conn)
{
    char name[256];
    size_t len;

    /* For a rule such as: tcp-request content set-var(txn.sni) req.ssl_sni */
    switch (vst_conn_variable(engine, conn, "txn.sni", name, sizeof name, &len)) {
    case VST_OK:
        printf("for %.*s\n", (int)len, name);
        break;
    case VST_NONE:
        printf("for no name\n"); /* no rule has set it */
        break;
    case VST_E_SPACE:
        printf("for a name of %zu bytes\n", len);
        break;
    default:
        break;
    }
}

// Example of vst_conn_capture.
void log_capture(vst_engine *engine, vst_id conn)
{
    char value[128];
    size_t len;

    /* For a rule such as: tcp-request content capture req.ssl_sni len 100 */
    if (vst_conn_capture(engine, conn, 0, value, sizeof value, &len) == VST_OK)
        printf("captured %.*s\n", (int)len, value);
}
