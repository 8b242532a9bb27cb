/* What a leg says: a queue of sounds, tones, silences and DTMF, turned into blocks of 20 ms, one a
 * call. Items begin and end on block borders; a loop goes round without a gap. Sounds are borrowed:
 * the control thread holds a reference until the item has ended. One thread, no allocation. */
#ifndef PEAL_MEDIA_PLAYER_H
#define PEAL_MEDIA_PLAYER_H

#include "media/leg.h"
#include "media/packets.h"

#define PLAYER_BLOCK     160
#define PLAYER_QUEUE_MAX (LEG_QUEUE_MAX + 1) /* one for what the worker itself inserts */

enum player_kind {
    PLAYER_SOUND,
    PLAYER_TONE,
    PLAYER_SILENCE,
    PLAYER_DTMF,
    PLAYER_PACKETS /* not said in blocks: send_packets.c sends them at their own times */
};

struct player_dtmf {
    char digits[LEG_DIGITS_MAX];
    uint8_t count;
    bool in_band;
    uint16_t on_ms, gap_ms;
};

struct player_item {
    uint8_t kind; /* enum player_kind */
    bool loop;
    bool over;     /* the peer of a bridge is heard under it */
    bool internal; /* put in by the worker: its end is nobody's event */
    uint32_t cookie;
    uint32_t clock_hz; /* of packets */
    union {
        const struct sound *sound;
        const struct packets *packets;
        struct media_tone tone;
        uint32_t silence_ms;
        struct player_dtmf dtmf;
    };
};

struct player_wave { /* y[n] = 2 cos(w) y[n-1] - y[n-2] */
    float coefficient, y1, y2;
};

struct player {
    uint8_t head, count;
    uint8_t digit;  /* of a DTMF item */
    uint32_t at;    /* samples of the present item (of the present digit) that were said */
    bool waves_set; /* the oscillators belong to the present item and digit */
    struct player_wave wave[2];
    struct player_item queue[PLAYER_QUEUE_MAX];
};

enum player_said {
    PLAYER_IDLE,  /* nothing is queued */
    PLAYER_AUDIO, /* coded (and pcm) hold the block */
    PLAYER_EVENT  /* an RFC 4733 packet instead of audio */
};

struct player_block {
    uint8_t coded[PLAYER_BLOCK];
    int16_t pcm[PLAYER_BLOCK];
    char digit;        /* PLAYER_EVENT */
    uint32_t duration; /* in samples, with this block */
    bool first, last;
    bool done; /* an item ended with this block */
    bool done_internal;
    uint32_t cookie;
};

void player_init(struct player *p);
bool player_add(struct player *p, const struct player_item *item); /* false: full */
/* alaw: law of coded. events: DTMF may go as RFC 4733. want_pcm: fill pcm too. */
enum player_said player_next(struct player *p, bool alaw, bool events, bool want_pcm,
                             struct player_block *out);
/* Takes the oldest item away unfinished; false: there is none. */
bool player_drop(struct player *p, struct player_item *out);

static inline bool player_on_packets(const struct player *p)
{
    return p->count && p->queue[p->head].kind == PLAYER_PACKETS;
}

static inline bool player_idle(const struct player *p)
{
    return p->count == 0;
}

/* RFC 4733 event code of a digit (section 3.2), -1: none; and back, 0: none. */
int dtmf_code(char digit);
char dtmf_digit(uint8_t code);

#endif
