// Stick tables: what is remembered about clients, from one connection to the next.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <vestibule.h>

// Example of vst_table_new.
vst_table *make_table(void)
{
    vst_table *table;
    char why[256];

    /* gpt0 is a number for any purpose: here 1 for who is banned. */
    if (vst_table_new("clients", "type ip size 100k expire 30m store conn_cur,gpt0", &table, why,
                      sizeof why) < 0) {
        fprintf(stderr, "table clients: %s\n", why);
        return NULL;
    }
    return table;
}

// Example of vst_table_set.
int ban(const vst_table *table, const vst_addr *client)
{
    const vst_table_key key = {.form = VST_KEY_IP, .bytes = client->bytes, .len = client->len};
    vst_status status = vst_table_set(table, &key, VST_DATA_GPT0, 1, 0);

    if (status < 0) { /* VST_E_LIMIT: full, and all entries are held by connections */
        fprintf(stderr, "not banned: %s\n", vst_strerror(status));
        return -1;
    }
    return 0;
}

// Example of vst_table_get.
int is_banned(const vst_table *table, const vst_addr *client)
{
    const vst_table_key key = {.form = VST_KEY_IP, .bytes = client->bytes, .len = client->len};
    uint64_t banned;

    /* VST_NONE: nothing is known of this client. */
    return vst_table_get(table, &key, VST_DATA_GPT0, 0, &banned) == VST_OK && banned == 1;
}

// Example of vst_table_remove.
void forget(const vst_table *table, const vst_addr *client)
{
    const vst_table_key key = {.form = VST_KEY_IP, .bytes = client->bytes, .len = client->len};

    if (vst_table_remove(table, &key, 0) == VST_E_STATE) /* a connection of this client holds it */
        vst_table_set(table, &key, VST_DATA_GPT0, 0, 0);
}

// Example of vst_table_clear.
void forget_everybody(const vst_table *table)
{
    uint64_t cleared;

    if (vst_table_clear(table, &cleared) == VST_OK)
        printf("%" PRIu64 " entries removed; those that connections hold stay\n", cleared);
}

// Example of vst_table_get_counters.
void warn_if_too_small(const vst_table *table)
{
    vst_table_counters counters = {.size = sizeof counters};

    if (vst_table_get_counters(table, &counters) == VST_OK &&
        (counters.refused_total > 0 || counters.purged_total > 0))
        fprintf(stderr, "the table has %" PRIu64 " of %" PRIu64 " entries, and was full\n",
                counters.entries, counters.entries_max);
}

// Example of vst_table_dump.
void print_table(const vst_table *table)
{
    size_t len, capacity = 0;
    char *text = NULL;

    while (vst_table_dump(table, 0, text, capacity, &len) == VST_E_SPACE) {
        free(text);
        capacity = len + len / 8; /* entries may come in between */
        text = malloc(capacity);
        if (text == NULL)
            return;
    }
    fwrite(text, 1, len, stdout);
    free(text);
}

// Example of vst_table_snapshot_new, vst_table_snapshot_next, vst_table_snapshot_value,
// vst_table_snapshot_free.
uint64_t count_connections(const vst_table *table)
{
    vst_table_row row = {.size = sizeof row};
    vst_table_snapshot *snapshot;
    uint64_t connections, sum = 0;

    if (vst_table_snapshot_new(table, 0, &snapshot) < 0)
        return 0;
    while (vst_table_snapshot_next(snapshot, &row) == VST_OK) /* row.key: whose entry it is */
        if (vst_table_snapshot_value(snapshot, VST_DATA_CONN_CUR, &connections) == VST_OK)
            sum += connections;
    vst_table_snapshot_free(snapshot);
    return sum;
}

// Example of vst_table_free.
vst_rules *rules_with_table(const char *text, size_t len, vst_table *table)
{
    const vst_table *const tables[] = {table};
    vst_rules *rules;
    char why[1024];

    if (vst_rules_new((const uint8_t *)text, len, tables, 1, NULL, &rules, why, sizeof why) < 0)
        fprintf(stderr, "%s\n", why);
    vst_table_free(table); /* the rules keep it; a host that reads it itself frees it later */
    return rules;
}
