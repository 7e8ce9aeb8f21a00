/* From the command line of agent to configurations of vestibule. See agent_options.h. */
#include "agent_options.h"

#include "host.h"

#include <stdlib.h>
#include <string.h>

/* ---- the command line ------------------------------------------------------------------------ */

static uint32_t number(const char *text)
{
    char *end;
    unsigned long long value = strtoull(text, &end, 10);

    if (*text < '0' || *text > '9' || *end != '\0' || value > UINT32_MAX)
        die("not a number that can be used here: %s", text);
    return (uint32_t)value;
}

/* Cuts a text at its first `at`, and returns what is behind it, or NULL if there is none. */
static char *cut(char *text, char at)
{
    char *found = text != NULL ? strchr(text, at) : NULL;

    if (found == NULL)
        return NULL;
    *found = '\0';
    return found + 1;
}

static struct served served_of(char *text)
{
    char *address = cut(text, '='), *certificate = cut(address, ','), *key = cut(certificate, ',');

    if (address == NULL || (certificate != NULL && key == NULL))
        die("--serve takes NAME=ADDR or NAME=ADDR,CERT,KEY");
    return (struct served){text, address, certificate, key};
}

static struct profile profile_of(char *text)
{
    char *trust = cut(text, '=');

    if (trust == NULL)
        die("--tls takes PROFILE=CA, PROFILE=system or PROFILE=insecure");
    return (struct profile){text, trust};
}

/* One more of the options that may be repeated. Returns whether it is one of them. */
static int is_repeated(struct agent_arguments *args, const char *name, char *value)
{
    const struct { const char *name; unsigned *count, most; } known[] = {
        {"--clients", &args->client_count, LISTENERS_MOST},
        {"--serve", &args->served_count, LISTENERS_MOST},
        {"--tls", &args->profile_count, PROFILES_MOST},
        {"--uid", &args->uid_count, IDS_MOST},
        {"--gid", &args->gid_count, IDS_MOST},
    };
    size_t k = 0;
    unsigned at;

    while (k < 5 && strcmp(name, known[k].name) != 0)
        k++;
    if (k == 5)
        return 0;
    at = (*known[k].count)++;
    if (at == known[k].most)
        die("%s: at most %u", name, known[k].most);
    switch (k) {
    case 0:
        args->clients[at] = value;
        break;
    case 1:
        args->served[at] = served_of(value);
        break;
    case 2:
        args->profiles[at] = profile_of(value);
        break;
    case 3:
        args->uids[at] = number(value);
        break;
    default:
        args->gids[at] = number(value);
        break;
    }
    return 1;
}

/* Reads one option and returns how many words it has, or 0 if there is no such option. */
static int read_option(struct agent_arguments *args, char **words, int left)
{
    const struct { const char *name, **value; } known[] = {
        {"--allow", &args->allow},
        {"--max-conns", &args->max_conns},
        {"--max-opens", &args->max_opens},
        {"--window", &args->window},
        {"--accept-proxy", &args->accept_proxy},
        {"--drop-to", &args->drop_to},
        {"--host", &args->host},
    };
    const struct { const char *name; int *value; } flags[] = {
        {"--insecure", &args->insecure},
        {"--no-pass", &args->no_pass},
        {"--sandbox", &args->sandbox},
        {"--log", &args->log},
    };

    for (size_t f = 0; f < sizeof flags / sizeof flags[0]; f++)
        if (strcmp(words[0], flags[f].name) == 0) {
            *flags[f].value = 1;
            return 1;
        }
    if (left >= 4 && strcmp(words[0], "--client-tls") == 0) {
        args->client_certificate = words[1];
        args->client_key = words[2];
        args->client_ca = words[3];
        return 4;
    }
    for (size_t k = 0; left >= 2 && k < sizeof known / sizeof known[0]; k++)
        if (strcmp(words[0], known[k].name) == 0) {
            *known[k].value = words[1];
            return 2;
        }
    return left >= 2 && is_repeated(args, words[0], words[1]) ? 2 : 0;
}

struct agent_arguments parse_agent_arguments(int argc, char **argv)
{
    struct agent_arguments args = {.host = "epoll"};
    int words;

    for (int i = 1; i < argc; i += words) {
        words = read_option(&args, argv + i, argc - i);
        if (words == 0)
            die("what is %s? The head of agent.c says what can be given", argv[i]);
    }
    return args;
}

/* ---- configurations -------------------------------------------------------------------------- */

/* TLS towards those who connect; with ca they have to show a certificate of it. */
static vst_tls_server *server_tls(const char *certificate, const char *key, const char *ca)
{
    vst_identity identity = {.chain.file = certificate, .key.file = key};
    vst_tls_server_options options;
    vst_tls_server *tls;
    char why[WHY];

    vst_tls_server_options_init(&options, sizeof options);
    options.identities = &identity;
    options.identity_count = 1;
    options.client_ca.file = ca;
    options.client_auth = ca != NULL ? VST_CLIENT_AUTH_REQUIRED : 0;
    if (vst_tls_server_new(&options, &tls, why, sizeof why) < 0)
        die("%s", why);
    return tls;
}

static vst_accept_config *accept_config(vst_tls_server *tls, const char *accept_proxy)
{
    vst_accept_options options;
    vst_accept_config *config;
    char why[WHY];

    vst_accept_options_init(&options, sizeof options);
    options.tls = tls;
    options.accept_proxy = accept_proxy;
    if (vst_accept_config_new(&options, &config, why, sizeof why) < 0)
        die("%s", why);
    vst_tls_server_free(tls);
    return config;
}

vst_accept_config *link_config(const struct agent_arguments *args, int over_tcp)
{
    if (!over_tcp)
        return accept_config(NULL, NULL);
    if (args->uid_count + args->gid_count > 0)
        die("--uid and --gid admit nobody over TCP: its peers have no user");
    if (args->client_certificate == NULL && !args->insecure)
        die("--clients over TCP needs --client-tls: without it anybody can use this agent. --insecure "
            "allows that");
    if (args->client_certificate == NULL)
        return accept_config(NULL, NULL);
    return accept_config(server_tls(args->client_certificate, args->client_key, args->client_ca), NULL);
}

vst_accept_config *served_config(const struct agent_arguments *args, const struct served *served)
{
    vst_tls_server *tls = NULL;

    if (served->certificate != NULL)
        tls = server_tls(served->certificate, served->key, NULL);
    return accept_config(tls, args->accept_proxy);
}

static vst_tls_client *client_tls(const char *trust)
{
    vst_tls_client_options options;
    vst_tls_client *tls;
    char why[WHY];

    vst_tls_client_options_init(&options, sizeof options);
    if (strcmp(trust, "insecure") == 0)
        options.flags = VST_TLS_CLIENT_DANGEROUSLY_SKIP_VERIFICATION;
    else if (strcmp(trust, "system") != 0)
        options.ca.file = trust;
    if (vst_tls_client_new(&options, &tls, why, sizeof why) < 0)
        die("%s", why);
    return tls;
}

vst_id make_agent(vst_engine *engine, const struct agent_arguments *args, void *user)
{
    vst_agent_options options;
    char why[WHY];
    vst_id agent;

    vst_agent_options_init(&options, sizeof options);
    options.flags = args->no_pass ? VST_AGENT_NO_DESCRIPTORS : 0;
    options.allow = args->allow;
    options.uids = args->uids;
    options.uid_count = args->uid_count;
    options.gids = args->gids;
    options.gid_count = args->gid_count;
    options.user = user;
    if (args->max_conns != NULL)
        options.channels_max = number(args->max_conns);
    if (args->max_opens != NULL)
        options.opens_per_second = number(args->max_opens);
    if (args->window != NULL)
        options.window_bytes = number(args->window);
    if (vst_agent_new(engine, &options, &agent, why, sizeof why) < 0)
        die("%s", why);
    for (unsigned i = 0; i < args->profile_count; i++) {
        vst_tls_client *tls = client_tls(args->profiles[i].trust);

        if (vst_agent_add_tls(engine, agent, args->profiles[i].name, tls) < 0)
            die("--tls: %s cannot be a name", args->profiles[i].name);
        vst_tls_client_free(tls);
    }
    return agent;
}
