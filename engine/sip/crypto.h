/* libcrypto's headers beside ours: OpenSSL has a type of the name ERR_STATE, which is one of our
 * error codes, so its name is changed while its headers are read. Private to sip/. */
#ifndef PEAL_SIP_CRYPTO_H
#define PEAL_SIP_CRYPTO_H

#define ERR_STATE openssl_err_state
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#undef ERR_STATE

#endif
