/* Keys from a session description to the leg (SDES, RFC 4568). Another way to agree on keys would
 * stand beside this one and end in the same media_leg_set_keys. */
#include "call/internal.h"

#include <assert.h>
#include <string.h>

#include "base/log.h"

/* The same suites by other numbers: sip/ and media/ do not know each other. */
static struct srtp_key key_of(const struct sdes_key *from)
{
    struct srtp_key key = {.mki_bytes = from->mki_bytes};
    uint32_t bytes = sdes_key_bytes(from->suite);
    bool known = srtp_suite_find(sdes_suite_name(from->suite), &key.suite);

    assert(known && bytes == srtp_suite_info[key.suite].key_bytes &&
           sdes_bytes(from->suite) - bytes == srtp_suite_info[key.suite].salt_bytes);
    (void)known;
    memcpy(key.key, from->bytes, bytes);
    memcpy(key.salt, from->bytes + bytes, sdes_bytes(from->suite) - bytes);
    return key;
}

enum err call_secure_leg(struct call *c, const struct sdp_negotiated *n)
{
    if (!n->secure) {
        c->record.media.srtp[0] = '\0';
        return media_leg_set_keys(c->leg, NULL, NULL);
    }
    struct srtp_key out = key_of(&n->ours), in = key_of(&n->theirs);
    enum err e = media_leg_set_keys(c->leg, &out, &in);

    explicit_bzero(&out, sizeof(out));
    explicit_bzero(&in, sizeof(in));
    if (e == OK)
        slice_copy(sdes_suite_name(n->ours.suite), c->record.media.srtp,
                   sizeof(c->record.media.srtp));
    else
        log_warn("call", "the keys of a call could not be given to its leg", "call_id=%s error=%s",
                 c->record.call_id, err_name(e));
    return e;
}
