/* The strongest bins of a power spectrum. Bins below BIN_FIRST (direct current and mains) and above
 * BIN_LAST do not count. Private to the room. */
#ifndef PEAL_DSP_BINS_H
#define PEAL_DSP_BINS_H

#define BIN_FIRST 2
#define BIN_LAST  127

struct bins_most {
    float sum; /* of all; the order of adding is fixed */
    int bin;   /* the lowest of the strongest */
};

/* p: bins 0…128, none negative. */
struct bins_most bins_total(const float *p);

/* The strongest that is not weaker than its two neighbours, at least four bins from k1; 0: none.
 * Reads p[-1], whatever it is. */
int bins_second(const float *p, int k1);

#endif
