/* The lists of codecs in a campaign file: of a trunk, of agents, and `sip: codecs` of all others.
 */
#include "campaign/reading.h"

void reading_codecs(struct reading *r, const char *key, char *const *words, uint32_t count,
                    struct sdp_codecs *out)
{
    for (uint32_t i = 0; i < count && !r->failed; i++) {
        const char *word = words[i] ? words[i] : "";
        enum err err = sdp_codecs_add(out, slice_trim(slice_cstr(word)));

        if (err == ERR_EXISTS)
            reading_fail(r, words[i], "%s: '%.40s' stands there twice", key, word);
        else if (err)
            reading_fail(r, words[i],
                         "%s: '%.40s' is not accepted; accepted: " SDP_CODEC_WORDS
                         ", the preferred one first",
                         key, word);
    }
}
