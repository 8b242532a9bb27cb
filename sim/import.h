/* A capture or a stereo recording as replayable calls (`peal-sim import`). */
#ifndef PEAL_SIM_IMPORT_H
#define PEAL_SIM_IMPORT_H

#include "sim/import_write.h"

struct import_report {
    uint32_t calls, answered, refused, cancelled, cut;
    uint64_t packets, rtp, repeated;
    bool wav;
};

struct import_config {
    const char *out, *source;
    const char *number, *caller; /* of the one call in a recording */
};

/* What is known about the file, one sentence a call of `say`, with packet numbers. */
typedef void import_say_fn(void *arg, const char *text);

/* From a file's bytes, which must stay until the end. False: nothing usable; error
 * (IMPORT_PATH_MAX + 128) says why. */
bool import_bytes(const uint8_t *p, size_t len, const struct import_config *config,
                  struct import_report *report, import_say_fn *say, void *arg, char *error);

/* import_wav.c: left the callee's side, right the caller's, as Peal records; mono: the callee. */
bool import_wav(const uint8_t *p, size_t len, const struct import_config *config,
                struct import_report *report, char *error);

/* What every reader must hold for any bytes; the fuzz target's way in: reads, writes no file. */
void import_try(const uint8_t *p, size_t len);

#endif
