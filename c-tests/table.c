/* Stick tables: made from a definition, set, looked up, removed, dumped and read entry by entry; in
 * several threads, and while a snapshot outlives the handle. */
#include "check.h"

#include <pthread.h>

#define SECOND 1000000000ull

static char why[256], text[65536];

static vst_table *made(const char *definition)
{
    vst_table *table = NULL;
    vst_status status = vst_table_new("t", definition, &table, why, sizeof why);
    if (status != VST_OK)
        fprintf(stderr, "%s: %s\n", definition, why);
    MUST(status == VST_OK && table != NULL);
    return table;
}

static void refused(const char *definition, const char *due)
{
    vst_table *table = (void *)why;
    CHECK_EQ(vst_table_new("t", definition, &table, why, sizeof why), VST_E_CONFIG);
    CHECK(table == NULL);
    if (strstr(why, due) == NULL) {
        fprintf(stderr, "no %s in: %s\n", due, why);
        broken++;
    }
}

static vst_table_key bytes(const void *from, size_t len)
{
    vst_table_key key = {.form = VST_KEY_BYTES, .bytes = from, .len = len};
    return key;
}

static vst_table_key ip(const void *from, size_t len)
{
    vst_table_key key = {.form = VST_KEY_IP, .bytes = from, .len = len};
    return key;
}

static uint64_t got(vst_table *table, vst_table_key key, uint32_t data, uint64_t now)
{
    uint64_t value = 9;
    CHECK_EQ(vst_table_get(table, &key, data, now, &value), VST_OK);
    return value;
}

static void definitions(void)
{
    refused("type ip size 1 store conn_rat(1s)", "column 22, \"conn_rat(1s)\": expected server_id");
    refused("type ip", "column 8: expected size");
    vst_table_free(made("type binary len 20 size 1k expire 1h nopurge store gpc(99)"));
    vst_table_free(NULL);
}

static void addresses(void)
{
    vst_table *table = made("type ip size 10 expire 10s store conn_cnt,conn_cur,conn_rate(10s),gpc(2)");
    vst_table_counters counters = {.size = sizeof counters};
    vst_table_key four = ip("\x7f\0\0\1", 4), six = ip("\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16);
    vst_table_key other = ip("\x7f\0\0\2", 4);
    vst_table_key mapped = ip("\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1", 16), odd = ip("\1\2\3", 3);
    vst_table_key number = {.form = VST_KEY_INTEGER, .integer = 7}, unknown = {.form = 9};
    uint64_t value = 9, now = 100 * SECOND;

    CHECK_EQ(vst_table_get(table, &four, VST_DATA_CONN_CNT, now, &value), VST_NONE);
    CHECK_EQ(value, 0);
    CHECK_EQ(vst_table_set(table, &four, VST_DATA_CONN_CNT, 41, now), VST_OK);
    CHECK_EQ(vst_table_set(table, &four, VST_DATA_CONN_RATE, 8, now), VST_OK);
    CHECK_EQ(vst_table_set(table, &four, VST_DATA_GPC + 1, 5, now), VST_OK);
    CHECK_EQ(got(table, four, VST_DATA_CONN_CNT, now), 41);
    CHECK_EQ(got(table, mapped, VST_DATA_CONN_CNT, now), 41);
    CHECK_EQ(got(table, four, VST_DATA_GPC, now), 0);
    CHECK_EQ(got(table, four, VST_DATA_GPC + 1, now), 5);
    /* The period of the 8 is over at 110 s; it is kept till then by a use at 104 s. */
    CHECK_EQ(vst_table_set(table, &four, VST_DATA_GPC, 1, now + 4 * SECOND), VST_OK);
    CHECK_EQ(got(table, four, VST_DATA_CONN_RATE, now + 10 * SECOND), 8);
    CHECK_EQ(got(table, four, VST_DATA_CONN_RATE, now + 12 * SECOND), 6);
    CHECK_EQ(got(table, four, VST_DATA_CONN_CUR, now), 0);

    CHECK_EQ(vst_table_set(table, &four, VST_DATA_CONN_CUR, 1, now), VST_E_STATE);
    CHECK_EQ(vst_table_set(table, &four, VST_DATA_GPT0, 1, now), VST_E_ARGUMENT);
    CHECK_EQ(vst_table_get(table, &four, VST_DATA_GPT0, now, &value), VST_E_ARGUMENT);
    CHECK_EQ(vst_table_get(table, &four, VST_DATA_GPC + 2, now, &value), VST_E_ARGUMENT);
    CHECK_EQ(vst_table_get(table, &four, VST_DATA_GPC - 1, now, &value), VST_E_ARGUMENT);
    CHECK_EQ(vst_table_get(table, &four, UINT32_MAX, now, &value), VST_E_ARGUMENT);
    /* An IPv6 address cannot be in this table, so there is no entry; other keys are a mistake. */
    CHECK_EQ(vst_table_get(table, &six, VST_DATA_CONN_CNT, now, &value), VST_NONE);
    CHECK_EQ(vst_table_set(table, &six, VST_DATA_CONN_CNT, 1, now), VST_E_ARGUMENT);
    CHECK_EQ(vst_table_get(table, &odd, VST_DATA_CONN_CNT, now, &value), VST_E_ARGUMENT);
    CHECK_EQ(vst_table_get(table, &number, VST_DATA_CONN_CNT, now, &value), VST_E_ARGUMENT);
    CHECK_EQ(vst_table_get(table, &unknown, VST_DATA_CONN_CNT, now, &value), VST_E_ARGUMENT);

    CHECK_EQ(vst_table_get_counters(table, &counters), VST_OK);
    CHECK_EQ(counters.entries, 1);
    CHECK_EQ(counters.entries_max, 10);
    CHECK_EQ(vst_table_remove(table, &four, now), VST_OK);
    CHECK_EQ(vst_table_remove(table, &four, now), VST_NONE);

    CHECK_EQ(vst_table_set(table, &four, VST_DATA_CONN_CNT, 1, now), VST_OK);
    CHECK_EQ(vst_table_get(table, &four, VST_DATA_CONN_CNT, now + 10 * SECOND - 1, &value), VST_OK);
    CHECK_EQ(vst_table_get(table, &four, VST_DATA_CONN_CNT, now + 10 * SECOND, &value), VST_NONE);
    /* An entry that is added removes those that have expired. */
    CHECK_EQ(vst_table_set(table, &other, VST_DATA_CONN_CNT, 1, now + 10 * SECOND), VST_OK);
    CHECK_EQ(vst_table_get_counters(table, &counters), VST_OK);
    CHECK_EQ(counters.entries, 1);
    CHECK_EQ(vst_table_clear(table, &value), VST_OK);
    /* With 0 the clock is read, which is not at 100 s for long. */
    CHECK_EQ(vst_table_set(table, &four, VST_DATA_CONN_CNT, 1, 0), VST_OK);
    CHECK_EQ(got(table, four, VST_DATA_CONN_CNT, 0), 1);
    CHECK_EQ(vst_table_clear(table, &value), VST_OK);
    CHECK_EQ(value, 1);
    vst_table_free(table);
}

static void fullness(void)
{
    vst_table *table = made("type integer size 2 nopurge store gpt0");
    vst_table_counters counters = {.size = sizeof counters};
    vst_table_key key = {.form = VST_KEY_INTEGER};
    for (key.integer = 0; key.integer < 2; key.integer++)
        CHECK_EQ(vst_table_set(table, &key, VST_DATA_GPT0, 7, 1), VST_OK);
    CHECK_EQ(vst_table_set(table, &key, VST_DATA_GPT0, 7, 1), VST_E_LIMIT);
    CHECK_EQ(vst_table_get_counters(table, &counters), VST_OK);
    CHECK_EQ(counters.refused_total, 1);
    vst_table_free(table);
}

static void reading(void)
{
    static const char *const names[] = {"", "a", "a\0b", "x\ny"};
    static const size_t lens[] = {0, 1, 3, 3};
    vst_table *table = made("type string len 8 size 10 store gpt0");
    vst_table_snapshot *snapshot = NULL;
    vst_table_row row = {.size = sizeof row};
    unsigned seen[4] = {0};
    uint64_t value = 9;
    size_t len = 9;
    for (unsigned i = 0; i < 4; i++) {
        vst_table_key key = bytes(names[i], lens[i]);
        CHECK_EQ(vst_table_set(table, &key, VST_DATA_GPT0, i, 1), VST_OK);
    }
    CHECK_EQ(vst_table_dump(table, 1, NULL, 0, &len), VST_E_SPACE);
    MUST(len > 0 && len < sizeof text);
    CHECK_EQ(vst_table_dump(table, 1, text, sizeof text - 1, &len), VST_OK);
    text[len] = 0;
    CHECK(strncmp(text, "# table: t, type: string, size:10, used:4\n", 42) == 0);
    CHECK(strstr(text, "key=x\\ny use=0 exp=0 gpt0=3\n") != NULL);
    CHECK(strstr(text, "key=a\\x00b use=0 exp=0 gpt0=2\n") != NULL);

    MUST(vst_table_snapshot_new(table, 1, &snapshot) == VST_OK);
    CHECK_EQ(vst_table_snapshot_value(snapshot, VST_DATA_GPT0, &value), VST_NONE);
    /* What is in use outlives the handle. */
    vst_table_free(table);
    while (vst_table_snapshot_next(snapshot, &row) == VST_OK) {
        CHECK_EQ(vst_table_snapshot_value(snapshot, VST_DATA_GPT0, &value), VST_OK);
        MUST(value < 4);
        seen[value]++;
        CHECK_EQ(row.key.form, VST_KEY_BYTES);
        CHECK_EQ(row.key.len, lens[value]);
        CHECK(row.key.len == lens[value] && memcmp(row.key.bytes ? (const void *)row.key.bytes : "",
                                                   names[value], lens[value]) == 0);
        CHECK_EQ(row.holders, 0);
        CHECK(row.expires_in_ns == VST_NEVER);
        CHECK_EQ(vst_table_snapshot_value(snapshot, VST_DATA_CONN_CNT, &value), VST_E_ARGUMENT);
    }
    for (unsigned i = 0; i < 4; i++)
        CHECK_EQ(seen[i], 1);
    CHECK_EQ(vst_table_snapshot_next(snapshot, &row), VST_NONE);
    vst_table_snapshot_free(snapshot);
    vst_table_snapshot_free(NULL);
}

#define THREADS 4
#define KEYS 500

struct share {
    vst_table *table;
    uint32_t first;
    unsigned wrong;
};

static void *worker(void *data)
{
    struct share *share = data;
    for (uint32_t i = 0; i < KEYS; i++) {
        vst_table_key key = {.form = VST_KEY_INTEGER, .integer = share->first + i};
        uint64_t value = 0;
        share->wrong += vst_table_set(share->table, &key, VST_DATA_GPT0, i, 0) != VST_OK;
        share->wrong += vst_table_get(share->table, &key, VST_DATA_GPT0, 0, &value) != VST_OK;
        share->wrong += value != i;
    }
    return NULL;
}

static void threads(void)
{
    vst_table *table = made("type integer size 4k expire 1h store gpt0");
    vst_table_counters counters = {.size = sizeof counters};
    pthread_t running[THREADS];
    struct share shares[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        shares[i] = (struct share){.table = table, .first = i * KEYS};
        MUST(pthread_create(&running[i], NULL, worker, &shares[i]) == 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        MUST(pthread_join(running[i], NULL) == 0);
        CHECK_EQ(shares[i].wrong, 0);
    }
    CHECK_EQ(vst_table_get_counters(table, &counters), VST_OK);
    CHECK_EQ(counters.entries, THREADS * KEYS);
    vst_table_free(table);
}

static void nulls(void)
{
    vst_table *table = (void *)why;
    vst_table_key key = {.form = VST_KEY_INTEGER}, address = ip(NULL, 4);
    vst_table_row row = {.size = sizeof row};
    vst_table_counters counters = {.size = sizeof counters};
    vst_table_snapshot *snapshot = (void *)&row;
    uint64_t value = 9;
    size_t len = 9;
    CHECK_EQ(vst_table_new(NULL, "type ip size 1", &table, NULL, 0), VST_E_NULL);
    CHECK(table == NULL);
    CHECK_EQ(vst_table_new("t", NULL, &table, NULL, 0), VST_E_NULL);
    CHECK_EQ(vst_table_new("t", "type ip size 1", NULL, NULL, 0), VST_E_NULL);
    CHECK_EQ(vst_table_new("t", "", &table, NULL, 0), VST_E_CONFIG);
    CHECK_EQ(vst_table_new("t", "\xff", &table, NULL, 0), VST_E_ARGUMENT);
    CHECK_EQ(vst_table_get(NULL, &key, VST_DATA_GPT0, 1, &value), VST_E_NULL);
    CHECK_EQ(value, 0);
    CHECK_EQ(vst_table_set(NULL, &key, VST_DATA_GPT0, 1, 1), VST_E_NULL);
    CHECK_EQ(vst_table_remove(NULL, &key, 1), VST_E_NULL);
    CHECK_EQ(vst_table_clear(NULL, &value), VST_E_NULL);
    CHECK_EQ(vst_table_get_counters(NULL, &counters), VST_E_NULL);
    CHECK_EQ(vst_table_dump(NULL, 1, text, sizeof text, &len), VST_E_NULL);
    CHECK_EQ(len, 0);
    CHECK_EQ(vst_table_snapshot_new(NULL, 1, &snapshot), VST_E_NULL);
    CHECK(snapshot == NULL);
    CHECK_EQ(vst_table_snapshot_next(NULL, &row), VST_E_NULL);
    CHECK_EQ(vst_table_snapshot_value(NULL, VST_DATA_GPT0, &value), VST_E_NULL);
    table = made("type integer size 1 store gpt0");
    CHECK_EQ(vst_table_get(table, NULL, VST_DATA_GPT0, 1, &value), VST_E_NULL);
    CHECK_EQ(vst_table_get(table, &key, VST_DATA_GPT0, 1, NULL), VST_E_NULL);
    CHECK_EQ(vst_table_get(table, &address, VST_DATA_GPT0, 1, &value), VST_E_NULL);
    CHECK_EQ(vst_table_set(table, NULL, VST_DATA_GPT0, 1, 1), VST_E_NULL);
    CHECK_EQ(vst_table_remove(table, NULL, 1), VST_E_NULL);
    CHECK_EQ(vst_table_clear(table, NULL), VST_OK);
    CHECK_EQ(vst_table_get_counters(table, NULL), VST_E_NULL);
    counters.size = 8;
    CHECK_EQ(vst_table_get_counters(table, &counters), VST_E_SIZE);
    CHECK_EQ(vst_table_dump(table, 1, text, sizeof text, NULL), VST_E_NULL);
    CHECK_EQ(vst_table_dump(table, 1, NULL, sizeof text, &len), VST_E_NULL);
    CHECK_EQ(vst_table_snapshot_new(table, 1, NULL), VST_E_NULL);
    /* A row without room loses no entry. */
    CHECK_EQ(vst_table_set(table, &key, VST_DATA_GPT0, 1, 1), VST_OK);
    MUST(vst_table_snapshot_new(table, 1, &snapshot) == VST_OK);
    CHECK_EQ(vst_table_snapshot_next(snapshot, NULL), VST_E_NULL);
    row.size = 4;
    CHECK_EQ(vst_table_snapshot_next(snapshot, &row), VST_E_SIZE);
    row.size = sizeof row;
    CHECK_EQ(vst_table_snapshot_next(snapshot, &row), VST_OK);
    CHECK_EQ(vst_table_snapshot_value(snapshot, VST_DATA_GPT0, NULL), VST_E_NULL);
    vst_table_snapshot_free(snapshot);
    vst_table_free(table);
}

int main(void)
{
    definitions();
    addresses();
    fullness();
    reading();
    threads();
    nulls();
    return verdict();
}
