// Examples of the functions of certificates and TLS.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <vestibule.h>

// Example of vst_tls_server_options_init, vst_tls_server_new.
vst_tls_server *read_certificate(const char *chain, const char *key)
{
    vst_identity identity = {.chain.file = chain, .key.file = key};
    vst_tls_server_options options;
    vst_tls_server *tls;
    char why[1024];

    vst_tls_server_options_init(&options, sizeof options);
    options.identities = &identity;
    options.identity_count = 1;
    options.alpn = "h2,http/1.1";
    vst_tls_server_new(&options, &tls, why, sizeof why);
    if (why[0] != '\0') // also a note, such as that the certificate has expired
        fprintf(stderr, "%s: %s\n", tls == NULL ? "no TLS" : "TLS", why);
    return tls; // NULL on failure
}

// Example of vst_tls_server_self_signed.
vst_tls_server *certificate_for_development(void)
{
    vst_tls_server *tls;
    char why[256];

    if (vst_tls_server_self_signed("localhost,127.0.0.1", &tls, why, sizeof why) < 0)
        fprintf(stderr, "no certificate: %s\n", why);
    return tls; // NULL on failure
}

// Example of vst_tls_server_free.
vst_accept_config *accept_tls(const char *chain, const char *key)
{
    vst_accept_options options = {.size = sizeof options};
    vst_tls_server *tls = read_certificate(chain, key);
    vst_accept_config *config = NULL;
    char why[256];

    if (tls == NULL)
        return NULL; // without this check clients would be served without TLS
    options.tls = tls;
    if (vst_accept_config_new(&options, &config, why, sizeof why) < 0)
        fprintf(stderr, "accept configuration: %s\n", why);
    vst_tls_server_free(tls); // the configuration keeps it
    return config;
}

// Example of vst_tls_server_not_after.
void warn_of_expiry(const vst_tls_server *tls)
{
    const uint64_t seconds_per_day = 86400, days = 14;
    uint64_t not_after, now = (uint64_t)time(NULL);

    for (uint32_t i = 0; vst_tls_server_not_after(tls, i, &not_after) == VST_OK; i++)
        if (not_after < now + days * seconds_per_day)
            fprintf(stderr, "certificate %u expires within %u days\n", i,
                    (unsigned)days);
}

// Example of vst_tls_server_take_key_log.
void append_server_secrets(const vst_tls_server *tls, FILE *key_log)
{
    char *lines = NULL;
    size_t capacity = 0, len;
    vst_status status;

    // A loop: lines may have been added since the length was asked for.
    do {
        status = vst_tls_server_take_key_log(tls, lines, capacity, &len);
        if (status == VST_OK && len > 0)
            fwrite(lines, 1, len, key_log);
        free(lines);
        lines = status == VST_E_SPACE ? malloc(len) : NULL;
        capacity = len;
    } while (lines != NULL);
}

// Example of vst_tls_client_options_init, vst_tls_client_new.
vst_tls_client *trust_only(const char *ca_file)
{
    vst_tls_client_options options;
    vst_tls_client *tls;
    char why[1024];

    vst_tls_client_options_init(&options, sizeof options);
    options.ca.file = ca_file; // NULL: the authorities that the system trusts
    options.alpn = "http/1.1";
    vst_tls_client_new(&options, &tls, why, sizeof why);
    if (why[0] != '\0') // also a note, such as that a certificate has expired
        fprintf(stderr, "%s: %s\n", tls == NULL ? "no TLS" : "TLS", why);
    return tls; // NULL on failure
}

// Example of vst_tls_client_free.
vst_connect_config *connect_by_tls(const char *ca_file, const char *server_name)
{
    vst_connect_options options = {.size = sizeof options};
    vst_tls_client *tls = trust_only(ca_file);
    vst_connect_config *config = NULL;
    char why[256];

    if (tls == NULL)
        return NULL; // without this check the connections would have no TLS
    options.tls = tls;
    options.server_name = server_name; // must be in the certificate of the server
    if (vst_connect_config_new(&options, &config, why, sizeof why) < 0)
        fprintf(stderr, "connect configuration: %s\n", why);
    vst_tls_client_free(tls); // the configuration keeps it
    return config;
}

// Example of vst_tls_client_not_after.
int is_our_certificate_expired(const vst_tls_client *tls)
{
    uint64_t not_after;

    if (vst_tls_client_not_after(tls, &not_after) != VST_OK)
        return 0; // VST_E_STATE: we send none
    return not_after < (uint64_t)time(NULL);
}

// Example of vst_tls_client_take_key_log.
void append_client_secrets(const vst_tls_client *tls, FILE *key_log)
{
    char *lines = NULL;
    size_t capacity = 0, len;
    vst_status status;

    // A loop: lines may have been added since the length was asked for.
    do {
        status = vst_tls_client_take_key_log(tls, lines, capacity, &len);
        if (status == VST_OK && len > 0)
            fwrite(lines, 1, len, key_log);
        free(lines);
        lines = status == VST_E_SPACE ? malloc(len) : NULL;
        capacity = len;
    } while (lines != NULL);
}
