/* Conversations of up to MIX_MEMBERS_MAX legs: three-party calls, supervisors who listen, coaches
 * who are heard by one alone. There is no object: a leg joins the conversation that another leg is
 * in (a bridge, a mix, or alone so far), has a part in it that can change while it runs, and leaves
 * by media_unbridge or with its end. Members of different workers are brought together.
 *
 * Two who talk are bridged (media/leg.h), without decoding. Once one leaves and two are left, they
 * are again. When but one is left, the conversation is over.
 *
 * What a member of a mix plays (media_leg_play…) is heard by its far end over the others' voices,
 * by nobody else. MEDIA_EV_BRIDGED tells when a member's far end first got the mix. Control thread
 * only. */
#ifndef PEAL_MEDIA_MIX_H
#define PEAL_MEDIA_MIX_H

#include <stdbool.h>

#include "base/err.h"

#define MIX_MEMBERS_MAX 8

struct media_leg;

enum mix_role {
    MIX_TALKS,   /* heard by all, hears all */
    MIX_LISTENS, /* hears all who talk, is heard by nobody */
    MIX_COACHES  /* hears all who talk, is heard by one member alone (whisper) */
};

/* l joins the conversation of `with`. MIX_COACHES: heard by `with` alone. What either plays goes
 * on. l in that conversation already: its part changes. ERR_STATE: l is in another one, or one of
 * them is closing; ERR_FULL: MIX_MEMBERS_MAX are in it (or the workers' rings are full). */
enum err media_mix_join(struct media_leg *l, struct media_leg *with, enum mix_role role);

/* How many are in l's conversation, l among them; 0: none. */
unsigned media_mix_members(const struct media_leg *l);

/* Keys of l's far end across its bridge or mix (media/keys.h). */
enum media_keys {
    MEDIA_KEYS_PASS, /* as the far sides want them: events, or tones */
    MEDIA_KEYS_KEEP, /* not passed on: they are for us. A tone in the audio is heard all the same */
    MEDIA_KEYS_CLEAN /* as PASS, and of a tone that becomes an event nothing at all is heard: its
                        audio is decoded and KEYS_CLEAN_MS later. Needs a detector (phase not off)
                      */
};
#define KEYS_CLEAN_MS 60
enum err media_leg_keys_across(struct media_leg *l, enum media_keys keys); /* ERR_STATE, ERR_FULL */

/* How loud others hear what comes from l's far end: gain_db (LEVEL_GAIN_MAX_DB either way), and
 * with agc speech is brought to the usual level. Both directions of a bridge have one each. It
 * holds until changed; its recordings and detectors hear the line as it is. A bridge is decoded
 * while a side has one. ERR_INVALID, ERR_STATE, ERR_FULL. */
enum err media_leg_gain(struct media_leg *l, int gain_db, bool agc);

#endif
