/* libcrypto's headers beside ours: OpenSSL has a type of the name ERR_STATE, which is one of our
 * error codes, so its name is changed while its headers are read. Private to media/. */
#ifndef PEAL_MEDIA_SRTP_CRYPTO_H
#define PEAL_MEDIA_SRTP_CRYPTO_H

#define OPENSSL_SUPPRESS_DEPRECATED /* SHA-1's functions, see srtp_cipher.c */
#define ERR_STATE                   openssl_err_state
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#undef ERR_STATE

#endif
