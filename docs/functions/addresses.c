// Examples of the functions of addresses.
#include <stdio.h>
#include <vestibule.h>

// Example of vst_addr_text.
void log_peer(const vst_end *end)
{
    char text[512]; // always enough
    size_t len;

    if (vst_addr_text(&end->peer, text, sizeof text, &len) == VST_OK)
        fprintf(stderr, "%.*s: %s\n", (int)len, text, end->text);
}

// Example of vst_addr_parse.
int read_server(const char *option, vst_addr *server)
{
    char why[256];

    if (vst_addr_parse(option, server, why, sizeof why) < 0) {
        fprintf(stderr, "--server: %s\n", why); // why has the text that was read
        return 0;
    }
    return 1;
}
