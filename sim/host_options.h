/* The options of the commands that open a host, as rows that fill in its host_config. */
#ifndef PEAL_SIM_HOST_OPTIONS_H
#define PEAL_SIM_HOST_OPTIONS_H

#include "sim/host.h"
#include "sim/options.h"

#define HOST_SERVE_PORTS "10000-19999" /* of those who answer */
#define HOST_CALL_PORTS  "40000-59999" /* of those who call: both, and an engine, on one machine */

/* What holds where an option is not given. */
#define HOST_DEFAULTS(ports)                                                                       \
    {                                                                                              \
        .seed = 1, .late_limit_ms = 20, .max_calls = 4096, .media_ports = (ports)                  \
    }

/* c: the host_config; ports: its default range, a literal. */
#define HOST_ROWS(c, ports)                                                                        \
    {"seed",                                                                                       \
     "N",                                                                                          \
     "of every draw; the same seed, the same plan (1)",                                            \
     OPTION_NUMBER,                                                                                \
     {.number = &(c).seed},                                                                        \
     INT64_MAX,                                                                                    \
     false},                                                                                       \
        {"audio",                                                                                  \
         "DIR",                                                                                    \
         "sound files (out/audio, made by tools/make-audio)",                                      \
         OPTION_TEXT,                                                                              \
         {.text = &(c).audio},                                                                     \
         0,                                                                                        \
         false},                                                                                   \
        {"tls-certificate",                                                                        \
         "FILE",                                                                                   \
         "PEM, with --tls-key: listen for SIP over TLS, too, and show it",                         \
         OPTION_TEXT,                                                                              \
         {.text = &(c).tls_certificate},                                                           \
         0,                                                                                        \
         false},                                                                                   \
        {"tls-key", "FILE", "PEM", OPTION_TEXT, {.text = &(c).tls_key}, 0, false},                 \
        {"tls-authorities",                                                                        \
         "FILE",                                                                                   \
         "PEM of those who vouch for TLS servers (the system's)",                                  \
         OPTION_TEXT,                                                                              \
         {.text = &(c).tls_authorities},                                                           \
         0,                                                                                        \
         false},                                                                                   \
        {"codecs",                                                                                 \
         "LIST",                                                                                   \
         "of all calls, the preferred one first: pcmu, pcma, g722, opus, l16, l16-16k "            \
         "(pcma,pcmu)",                                                                            \
         OPTION_TEXT,                                                                              \
         {.text = &(c).codecs},                                                                    \
         0,                                                                                        \
         false},                                                                                   \
        {"srtp",                                                                                   \
         "HOW",                                                                                    \
         "off, offered (beside plain audio) or required; keys by SDES (off)",                      \
         OPTION_TEXT,                                                                              \
         {.text = &(c).srtp},                                                                      \
         0,                                                                                        \
         false},                                                                                   \
        {"media-ports",                                                                            \
         "A-B",                                                                                    \
         "RTP ports (" ports ", apart from the engine's)",                                         \
         OPTION_TEXT,                                                                              \
         {.text = &(c).media_ports},                                                               \
         0,                                                                                        \
         false},                                                                                   \
        {"workers", "N",  "audio threads (cores - 1)", OPTION_NUMBER, {.number = &(c).workers},    \
         64,        false},                                                                        \
        {"shared-media",                                                                           \
         NULL,                                                                                     \
         "audio by one socket with engines that do so, too; one audio thread",                     \
         OPTION_FLAG,                                                                              \
         {.flag = &(c).shared_media},                                                              \
         0,                                                                                        \
         false},                                                                                   \
        {"max-calls", "N",  "calls at once (4096)", OPTION_NUMBER, {.number = &(c).max_calls},     \
         100000,      false},                                                                      \
    {                                                                                              \
        "late-limit", "MS", "own lateness (p99) above which the run is invalid (20)",              \
            OPTION_NUMBER, {.number = &(c).late_limit_ms}, 60000, false                            \
    }

#endif
