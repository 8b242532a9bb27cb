/* Conversations of more than a plain bridge, on the worker: up to MIX_SEATS streams of one worker,
 * each with a part (media/mix.h) and each hearing the sum of those it may hear, once a slot.
 *
 * A block that a member said in its slot is kept in its seat, with its gain, until its next slot;
 * so each listener finds a new one from everybody once in 20 ms, and a voice is at most a slot
 * late. While a conversation is two who talk, without gain and with nothing played, it is a relay:
 * the two are each other's `peer` and nothing is decoded.
 *
 * Memory: the worker's pool, made at its start. Worker's thread only. */
#ifndef PEAL_MEDIA_MIXER_H
#define PEAL_MEDIA_MIXER_H

#include "media/level.h"
#include "media/mix.h"

#define MIX_SEATS MIX_MEMBERS_MAX
#define MIX_HELD  (KEYS_CLEAN_MS / 20)

struct stream;
struct worker;

struct mix_seat {
    struct stream *stream;
    uint8_t role;
    struct stream *coached; /* of MIX_COACHES */
    struct limiter limiter; /* of what it hears */
    uint64_t said_us;       /* slot of `said`; 0: nothing yet */
    int16_t said[LEVEL_BLOCK];
    uint8_t held_at; /* of MEDIA_KEYS_CLEAN: blocks on their way, oldest first */
    int16_t held[MIX_HELD][LEVEL_BLOCK];
};

struct mix {
    uint32_t count;
    bool relays;
    struct mix_seat seat[MIX_SEATS];
};

/* s joins the conversation of `with`, or the two begin one (with with's peer, when it has one). */
void mixer_join(struct stream *s, struct stream *with, enum mix_role role);
void mixer_role(struct stream *s, enum mix_role role, struct stream *coached);
/* The last but one takes the last along: no mix of one. */
void mixer_leave(struct stream *s);
/* What speaks for or against the relay may have changed. Harmless outside of a mix. */
void mixer_settle(struct stream *s);
/* A bridged pair becomes a conversation of two, as something of it is to be heard or changed. */
void mixer_of_pair(struct stream *s);

/* In a mix that does not relay? */
bool mixer_mixes(const struct stream *s);
bool mixer_wants(const struct stream *s); /* s is heard by somebody through the mix */
/* A block that the far end of s said. */
void mixer_heard(struct stream *s, const int16_t *pcm);
/* What the far end of s is to hear: pcm (what is played, or zeros) with the others added. */
void mixer_say(struct stream *s, int16_t *pcm);
bool mixer_talks(const struct stream *s); /* heard by all */
/* Nothing of s keeps a bridge from being a relay, whatever is played. */
bool mixer_needless(const struct stream *s);
/* What s said lately was no sound for others, after all (MEDIA_KEYS_CLEAN). */
void mixer_hush(struct stream *s);
bool mixer_hears(const struct stream *listener, const struct stream *s);

#endif
