/* When calls are to start: arrival laws. A law is a rate over time (pieces, in each of which the
 * rate goes evenly from one value to another) and the way calls follow it: evenly, or at random
 * moments (Poisson). Offsets come one after the other, each from the law and the seed alone, so a
 * plan can be compared with what happened, and two processes have the same one.
 *
 *   constant, poisson              at `rate`, without end
 *   ramp:10-50                     from 10/s to 50/s over all of the calls
 *   steps:10x30,50x60              10/s for 30 seconds, then 50/s for 60
 *   hours:FILE.csv, hours:FILE.csv@60   columns hour and calls; @60: an hour passes in a minute
 *   poisson:ramp:…, poisson:steps:…, poisson:hours:…   the same at random moments */
#ifndef PEAL_SIM_LAW_H
#define PEAL_SIM_LAW_H

#include "base/rng.h"

#define LAW_PIECES_MAX 256
#define LAW_ERROR_MAX  300
#define LAW_RATE_MAX   100000.0

struct law_piece {
    double seconds, from, to; /* calls a second at its beginning and end */
    double calls;             /* expected in it */
};

struct law {
    struct law_piece piece[LAW_PIECES_MAX];
    uint32_t pieces;
    bool poisson, endless; /* endless: the only piece has no end */
    uint64_t calls, next;  /* at most so many */
    /* Where the next call is: `expected` calls after the beginning; in this piece, before which
     * there were so many calls and seconds. */
    double expected, before_calls, before_s;
    uint32_t at;
    struct rng rng;
};

struct law_spec {
    const char *rate;   /* "50/s", "90/m", "50"; of constant and poisson only */
    const char *law;    /* NULL: constant */
    const char *folder; /* of hours: files; NULL or "": the present one */
    uint64_t calls;     /* 0: as many as the pieces have; refused where they are endless */
    uint64_t seed;
    struct slice name; /* laws of one seed and different names have dice of their own */
};

/* error (LAW_ERROR_MAX) gets a sentence. */
enum err law_parse(struct law *l, const struct law_spec *spec, char *error);
/* Offset of the next call in µs since the start; UINT64_MAX after the last. */
uint64_t law_next(struct law *l);
/* How many come before until_us, `most` at most; the law itself does not move. */
uint64_t law_count(const struct law *l, uint64_t until_us, uint64_t most);

#endif
