/* Certificates for tests, made when they are needed: an authority and what it signs, EC P-256, as
 * PEM files in a folder of the test's own. */
#ifndef PEAL_TESTS_TLS_KIT_H
#define PEAL_TESTS_TLS_KIT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ERR_STATE openssl_err_state
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#undef ERR_STATE

struct tls_files {
    char folder[256];
    EVP_PKEY *key; /* the authority's */
    X509 *authority;
    char ca[320]; /* its file */
};

#define TLS_KIT_CHECK(what)                                                                        \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what);                             \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static inline void tls_kit_write(const char *path, X509 *cert, EVP_PKEY *key)
{
    FILE *f = fopen(path, "w");

    TLS_KIT_CHECK(f && (cert ? PEM_write_X509(f, cert)
                             : PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL)));
    fclose(f);
}

static inline void tls_kit_extend(X509 *cert, int nid, const char *value)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    TLS_KIT_CHECK(e && X509_add_ext(cert, e, -1));
    X509_EXTENSION_free(e);
}

/* days: from now; negative: it is over already. san: as "DNS:x, IP:y"; NULL: an authority. */
static inline X509 *tls_kit_cert(struct tls_files *f, EVP_PKEY *key, const char *name,
                                 const char *san, int days)
{
    static long serial = 1;
    X509 *c = X509_new();

    X509_set_version(c, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(c), serial++);
    X509_gmtime_adj(X509_getm_notBefore(c), -86400L * 10);
    X509_gmtime_adj(X509_getm_notAfter(c), 86400L * days);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(c, X509_get_subject_name(f->authority ? f->authority : c));
    X509_set_pubkey(c, key);
    tls_kit_extend(c, NID_basic_constraints, san ? "CA:FALSE" : "critical,CA:TRUE");
    if (san)
        tls_kit_extend(c, NID_subject_alt_name, san);
    TLS_KIT_CHECK(X509_sign(c, f->key ? f->key : key, EVP_sha256()));
    return c;
}

static inline void tls_kit_open(struct tls_files *f)
{
    const char *tmp = getenv("TMPDIR");

    memset(f, 0, sizeof(*f));
    snprintf(f->folder, sizeof(f->folder), "%s/peal-tls-XXXXXX", tmp ? tmp : "/tmp");
    TLS_KIT_CHECK(mkdtemp(f->folder));
    EVP_PKEY *key = EVP_EC_gen("P-256");

    f->authority = tls_kit_cert(f, key, "Authority of a test", NULL, 10);
    f->key = key;
    snprintf(f->ca, sizeof(f->ca), "%s/ca.pem", f->folder);
    tls_kit_write(f->ca, f->authority, NULL);
}

/* Files NAME.pem and NAME.key in the folder, signed by the authority. */
static inline void tls_kit_make(struct tls_files *f, const char *name, const char *san, int days,
                                char cert_path[320], char key_path[320])
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *c = tls_kit_cert(f, key, name, san, days);

    snprintf(cert_path, 320, "%s/%s.pem", f->folder, name);
    snprintf(key_path, 320, "%s/%s.key", f->folder, name);
    tls_kit_write(cert_path, c, NULL);
    tls_kit_write(key_path, NULL, key);
    X509_free(c);
    EVP_PKEY_free(key);
}

/* The authority's list of who is revoked: the certificate in that file, or nobody (NULL). */
static inline void tls_kit_revoke(struct tls_files *f, const char *cert_path, const char *crl_path)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *at = X509_gmtime_adj(NULL, -3600);
    FILE *file;

    X509_CRL_set_version(crl, 1);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(f->authority));
    X509_CRL_set1_lastUpdate(crl, at);
    X509_CRL_set1_nextUpdate(crl, X509_gmtime_adj(at, 86400));
    if (cert_path) {
        X509_REVOKED *r = X509_REVOKED_new();

        TLS_KIT_CHECK((file = fopen(cert_path, "r")) != NULL);
        X509 *cert = PEM_read_X509(file, NULL, NULL, NULL);

        fclose(file);
        TLS_KIT_CHECK(cert && r);
        X509_REVOKED_set_serialNumber(r, X509_get_serialNumber(cert));
        X509_REVOKED_set_revocationDate(r, X509_gmtime_adj(at, -60));
        TLS_KIT_CHECK(X509_CRL_add0_revoked(crl, r));
        X509_free(cert);
    }
    TLS_KIT_CHECK(X509_CRL_sort(crl) && X509_CRL_sign(crl, f->key, EVP_sha256()));
    TLS_KIT_CHECK((file = fopen(crl_path, "w")) != NULL);
    TLS_KIT_CHECK(PEM_write_X509_CRL(file, crl));
    fclose(file);
    ASN1_TIME_free(at);
    X509_CRL_free(crl);
}

static inline void tls_kit_forget(const char *path)
{
    unlink(path);
}

static inline void tls_kit_close(struct tls_files *f)
{
    unlink(f->ca);
    rmdir(f->folder);
    X509_free(f->authority);
    EVP_PKEY_free(f->key);
}

#endif
