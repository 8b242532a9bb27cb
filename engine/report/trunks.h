/* The audio of each trunk, out of the calls' records. Embedded in struct summary. */
#ifndef PEAL_REPORT_TRUNKS_H
#define PEAL_REPORT_TRUNKS_H

#include <stdint.h>

#define TRUNKS_MAX     16
#define TRUNKS_LOW_MOS 3.6 /* below, "some users dissatisfied" begins (ITU-T G.109) */

struct input;
struct json;

struct trunks {
    struct trunk_audio {
        char name[32];
        uint64_t calls, answered; /* attempts; answered ones */
        uint64_t no_audio;        /* answered, and not a packet came */
        uint64_t received, lost, discarded;
        struct trunk_mos { /* of each scale on its own (media/emodel.h): they have no mean */
            uint64_t calls, low;
            double sum;
        } narrow, wide;
        double jitter_ms_sum, rtt_ms_sum;
        uint64_t with_jitter, with_rtt;
    } trunk[TRUNKS_MAX];
    uint32_t count;
    uint64_t overflow; /* calls of trunks beyond the table */
};

/* One attempt's record, as calls.jsonl has it. */
void trunks_add(struct trunks *t, const struct input *record);
/* "trunks": [...] into an object that is open. */
void trunks_put(const struct trunks *t, struct json *j);

#endif
