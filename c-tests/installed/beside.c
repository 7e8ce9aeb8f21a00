/* One program with three libraries that bring cryptography or Rust's standard library: ours, another
 * static library of Rust, and OpenSSL. */
#include <stdint.h>
#include <stdio.h>

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <vestibule.h>

/* Of other.rs: the sum of a vector that it allocates, and what a panic that it catches comes to. */
uint64_t other_sum(uint64_t count);
uint64_t other_panics(void);

int main(void)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int len = 0;
    vst_tls_server *tls = NULL;
    vst_status status = vst_tls_server_self_signed("a.test", &tls, NULL, 0);
    vst_tls_server_free(tls);
    SSL_CTX *openssl = SSL_CTX_new(TLS_method());
    int hashed = EVP_Digest("abc", 3, digest, &len, EVP_sha256(), NULL);
    SSL_CTX_free(openssl);
    printf("%s %d %02x %u\n", vst_status_name(status), hashed, digest[0], (unsigned)other_sum(4));
    return !((status == VST_OK || status == VST_E_UNSUPPORTED) && openssl != NULL && hashed == 1
             && digest[0] == 0xba && other_sum(4) == 6 && other_panics() == 1);
}
