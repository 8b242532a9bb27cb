/* OpenSSL asks here when the server's certificate has been verified, with what came of an answer.
 * It must be signed by the authority or by its delegate (OCSP_basic_verify), be about this very
 * certificate, be of now, and say "good". A certificate that promises one (RFC 7633) must bring it,
 * unless nobody looks. */
#include "io/tls_staple.h"

/* OpenSSL has a type of the name of one of our error codes. */
#define ERR_STATE openssl_err_state
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#undef ERR_STATE

#define CLOCKS_APART_S 300
#define STATUS_REQUEST 5 /* the extension's number, RFC 6066 */

static bool promises_one(const X509 *leaf)
{
    TLS_FEATURE *features = X509_get_ext_d2i(leaf, NID_tlsfeature, NULL, NULL);
    bool found = false;

    for (int i = 0; i < sk_ASN1_INTEGER_num(features); i++)
        found |= ASN1_INTEGER_get(sk_ASN1_INTEGER_value(features, i)) == STATUS_REQUEST;
    sk_ASN1_INTEGER_pop_free(features, ASN1_INTEGER_free);
    return found;
}

/* The answer about that certificate, by whichever hash it is named. */
static bool find(OCSP_BASICRESP *basic, const X509 *leaf, const X509 *issuer, int *status,
                 ASN1_GENERALIZEDTIME **since, ASN1_GENERALIZEDTIME **until)
{
    const EVP_MD *const hashes[] = {EVP_sha1(), EVP_sha256()};
    bool found = false;

    for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]) && !found; i++) {
        OCSP_CERTID *id = OCSP_cert_to_id(hashes[i], leaf, issuer);

        found = id && OCSP_resp_find_status(basic, id, status, NULL, NULL, since, until) == 1;
        OCSP_CERTID_free(id);
    }
    return found;
}

/* NULL: it is good. */
static const char *judge_basic(SSL *ssl, OCSP_BASICRESP *basic)
{
    STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);
    X509_STORE *store = SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl));
    ASN1_GENERALIZEDTIME *since = NULL, *until = NULL;
    int status = V_OCSP_CERTSTATUS_UNKNOWN, depth = sk_X509_num(chain);

    if (depth < 1 || OCSP_basic_verify(basic, chain, store, 0) != 1)
        return "the stapled answer about its certificate is not its authority's";
    const X509 *leaf = sk_X509_value(chain, 0), *issuer = sk_X509_value(chain, depth > 1 ? 1 : 0);

    if (!find(basic, leaf, issuer, &status, &since, &until))
        return "the stapled answer is about another certificate";
    if (OCSP_check_validity(since, until, CLOCKS_APART_S, -1) != 1)
        return "the stapled answer about its certificate is not of now";
    if (status == V_OCSP_CERTSTATUS_REVOKED)
        return "its certificate is revoked, as the stapled answer says";
    return status == V_OCSP_CERTSTATUS_GOOD
               ? NULL
               : "its authority does not know the certificate, as the stapled answer says";
}

static const char *judge(SSL *ssl, const unsigned char *der, long len)
{
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &der, len);
    OCSP_BASICRESP *basic =
        response && OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL
            ? OCSP_response_get1_basic(response)
            : NULL;
    const char *why =
        basic ? judge_basic(ssl, basic) : "the stapled answer about its certificate is none";

    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
    ERR_clear_error();
    return why;
}

static int on_status(SSL *ssl, void *arg)
{
    enum tls_stapling policy = *(const enum tls_stapling *)arg;
    const unsigned char *der = NULL;
    const char *why = NULL;

    if (SSL_is_server(ssl))
        return SSL_TLSEXT_ERR_NOACK; /* we have none to give */
    long len = SSL_get_tlsext_status_ocsp_resp(ssl, &der);

    if (der && len > 0)
        why = judge(ssl, der, len);
    else if (policy == TLS_STAPLING_REQUIRED || promises_one(SSL_get0_peer_certificate(ssl)))
        why = "no stapled answer came that its certificate is not revoked";
    SSL_set_app_data(ssl, (char *)(uintptr_t)why);
    return why ? 0 : 1;
}

void tls_staple_init(SSL_CTX *ctx, enum tls_stapling policy)
{
    static const enum tls_stapling all[] = {TLS_STAPLING_OFF, TLS_STAPLING_IF_GIVEN,
                                            TLS_STAPLING_REQUIRED};

    if (policy == TLS_STAPLING_OFF)
        return;
    SSL_CTX_set_tlsext_status_cb(ctx, on_status);
    SSL_CTX_set_tlsext_status_arg(ctx, (void *)(uintptr_t)&all[policy]);
}

void tls_staple_ask(SSL *ssl, enum tls_stapling policy)
{
    if (policy != TLS_STAPLING_OFF)
        SSL_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp);
}

const char *tls_staple_why(const SSL *ssl)
{
    return SSL_get_app_data(ssl);
}
