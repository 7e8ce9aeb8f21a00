/* Rules with a mistake are refused, in a sentence with its position and what was expected, with the line
 * and a caret below. */
#include "check.h"

static char why[512];

static vst_rules *made(const char *text, const vst_rules *before)
{
    vst_rules *rules = NULL;
    int32_t status = vst_rules_new((const uint8_t *)text, strlen(text), NULL, 0, before, &rules, why,
                                   sizeof why);
    if (status != VST_OK)
        fprintf(stderr, "%s\n", why);
    MUST(status == VST_OK && rules != NULL);
    return rules;
}

/* The text is a mistake. */
static void mistaken(const char *text, const vst_rules *before)
{
    vst_rules *rules = (void *)&rules;
    CHECK_EQ(vst_rules_new((const uint8_t *)text, strlen(text), NULL, 0, before, &rules, why,
                           sizeof why), VST_E_CONFIG);
    CHECK(rules == NULL);
}

/* The text is a mistake, with exactly this message. */
static void refused(const char *text, const char *due)
{
    mistaken(text, NULL);
    if (strcmp(why, due) != 0) {
        fprintf(stderr, "not\n%s\nbut\n%s\n", due, why);
        broken++;
    }
}

int main(void)
{
    refused("# fine\ntcp-request connection regect if { src 10.0.0.0/8 }\n",
            "line 2, column 24: `regect` is no action; did you mean `reject`?\n"
            " 2 | tcp-request connection regect if { src 10.0.0.0/8 }\n"
            "   |                        ^^^^^^");
    refused("tcp-request accept reject if { ssl_fc_sni a.test }",
            "line 1, column 32: `ssl_fc_sni` is not known here; expected it in "
            "`tcp-request session`, `tcp-request content`, `use_backend`, `stick`, `tcp-response content`\n"
            " 1 | tcp-request accept reject if { ssl_fc_sni a.test }\n"
            "   |                                ^^^^^^^^^^");

    /* Files are read; a mistake in one is reported with the line in the file. */
    char folder[] = "/tmp/vestibule-XXXXXX", path[64], text[160], due[160];
    MUST(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/networks", folder);
    snprintf(text, sizeof text, "acl listed src -f %s", path);
    mistaken(text, NULL);
    CHECK(strstr(why, "No such file") != NULL);
    FILE *file = fopen(path, "w");
    MUST(file != NULL && fputs("# ours\n10.0.0.0/8\n", file) >= 0);
    MUST(fflush(file) == 0);
    vst_rules_free(made(text, NULL));
    MUST(fputs("10.0.0.0/33\n", file) >= 0 && fclose(file) == 0);
    mistaken(text, NULL);
    snprintf(due, sizeof due, "%s, line 3, column 1: `10.0.0.0/33`", path);
    CHECK(strstr(why, due) == why);
    unlink(path);
    rmdir(folder);

    /* A set continues the tables of another, which it then no longer needs; but it has to define
     * them. */
    const char *track = "tcp-request connection track-sc0 src";
    vst_rules *first = made("stick-table type ip size 1k store conn_cur", NULL);
    vst_rules *second = made("stick-table type ip size 1k store conn_cur\n"
                             "tcp-request connection track-sc0 src", first);
    vst_rules_free(first);
    mistaken(track, second);
    vst_rules_free(second);
    vst_rules_free(NULL);

    /* Tables of the host have names, and each name may occur once. */
    vst_table *table;
    static const char definition[] = "type ip size 1k store gpc0";
    MUST(vst_table_new("seen", definition, &table, why, sizeof why) == VST_OK);
    const vst_table *const tables[] = {table, table};
    const char *seen = "tcp-request connection track-sc0 src table seen";
    vst_rules *rules;
    CHECK_EQ(vst_rules_new((const uint8_t *)seen, strlen(seen), tables, 1, NULL, &rules, why,
                           sizeof why), VST_OK);
    vst_rules *twice;
    CHECK_EQ(vst_rules_new((const uint8_t *)seen, strlen(seen), tables, 2, NULL, &twice, why,
                           sizeof why), VST_E_ARGUMENT);
    vst_table_free(table);
    vst_rules_free(rules);
    CHECK_EQ(vst_rules_new((const uint8_t *)seen, strlen(seen), NULL, 1, NULL, &rules, why,
                           sizeof why), VST_E_NULL);

    /* An empty text is a set without rules; no output for the set is a mistake, none for the message is
     * not. */
    const uint8_t *mark = (const uint8_t *)"x";
    CHECK_EQ(vst_rules_new(NULL, 0, NULL, 0, NULL, &rules, NULL, 0), VST_OK);
    vst_rules_free(rules);
    CHECK_EQ(vst_rules_new(NULL, 1, NULL, 0, NULL, &rules, NULL, 0), VST_E_NULL);
    CHECK_EQ(vst_rules_new(mark, 1, NULL, 0, NULL, NULL, NULL, 0), VST_E_NULL);
    CHECK_EQ(vst_rules_new(mark, 1, NULL, 0, NULL, &rules, NULL, 0), VST_E_CONFIG);
    return verdict();
}
