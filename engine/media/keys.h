/* Keys across a bridge or a mix, in the way that the far side wants them: an event (RFC 4733) where
 * it takes them, else a tone; once each.
 *
 * An event whose packets cannot be relayed as they are (the audio is decoded on its way) is made
 * anew, for as long as its key is held. A far side without events gets a tone, and the audio of who
 * pressed is silent meanwhile: a gateway's audio may hold the same key. In-band keys of a far end
 * that sends no events become events where they are wanted; their tone is taken out of the audio
 * from its detection on, so that it is not a second key. Worker's thread only. */
#ifndef PEAL_MEDIA_KEYS_H
#define PEAL_MEDIA_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "media/player.h"

struct stream;

/* Of a listener: an event that is being made for it. */
struct key_pass {
    const struct stream *from; /* NULL: who pressed is gone, it ends */
    char digit;                /* 0: none */
    uint32_t ts;               /* of the far end's event */
    uint32_t duration;
    uint8_t ends; /* end packets so far */
};

/* The far end of s has pressed a key. */
void keys_began(struct stream *s, char digit, bool by_event);
/* Whether what the far end of s says now is a key that others get otherwise. */
bool keys_silence(const struct stream *s);
/* A slot of a listener, after the player has said what it has: `said`, or the event instead. */
enum player_said keys_say(struct stream *s, enum player_said said, struct player_block *b);
/* The player is on a key that came across: nothing else is heard meanwhile. */
bool keys_play(const struct stream *s);
/* s is leaving: events that are made of its keys end. */
void keys_forget(struct stream *listener, const struct stream *s);

#endif
