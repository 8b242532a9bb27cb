/* Asking a parsed message for its headers: walks over several values and typed access. */
#include "sip/message.h"

bool sip_get_named(const struct sip_msg *m, struct slice name, struct slice *value)
{
    enum sip_hdr id = sip_hdr_find(name);
    for (unsigned i = 0; i < m->nheaders; i++) {
        const struct sip_header *h = &m->headers[i];
        if (h->id == id && (id != SIP_H_OTHER || slice_ieq(h->name, name))) {
            *value = h->value;
            return true;
        }
    }
    return false;
}

unsigned sip_count(const struct sip_msg *m, enum sip_hdr id)
{
    unsigned n = 0;
    for (unsigned i = 0; i < m->nheaders; i++)
        n += m->headers[i].id == id;
    return n;
}

/* ---- walks ---- */

void sip_iter_init(struct sip_iter *it, const struct sip_msg *m, enum sip_hdr id)
{
    uint16_t at = m->first[id] ? (uint16_t)(m->first[id] - 1) : m->nheaders;
    *it = (struct sip_iter){.m = m, .id = id, .at = at};
}

bool sip_line_next(struct sip_iter *it, struct slice *line)
{
    while (it->at < it->m->nheaders) {
        const struct sip_header *h = &it->m->headers[it->at++];
        if (h->id == it->id) {
            *line = h->value;
            return true;
        }
    }
    return false;
}

bool sip_iter_next(struct sip_iter *it, struct slice *item)
{
    do {
        if (sip_list_next(&it->rest, item))
            return true;
    } while (sip_line_next(it, &it->rest));
    return false;
}

enum err sip_iter_via(struct sip_iter *it, struct sip_via *out)
{
    struct slice item;
    return sip_iter_next(it, &item) ? sip_via_parse(item, out) : ERR_NOT_FOUND;
}

enum err sip_iter_nameaddr(struct sip_iter *it, struct sip_nameaddr *out)
{
    struct slice item;
    return sip_iter_next(it, &item) ? sip_nameaddr_parse(item, out) : ERR_NOT_FOUND;
}

/* ---- typed headers ---- */

enum err sip_get_nameaddr(const struct sip_msg *m, enum sip_hdr id, struct sip_nameaddr *out)
{
    struct sip_iter it;
    sip_iter_init(&it, m, id);
    enum err e = sip_iter_nameaddr(&it, out);
    return e == ERR_NOT_FOUND && sip_has(m, id) ? ERR_INVALID : e;
}

enum err sip_get_contact(const struct sip_msg *m, struct sip_nameaddr *na, struct sip_uri *uri)
{
    enum err e = sip_get_nameaddr(m, SIP_H_CONTACT, na);
    if (e != OK)
        return e;
    return na->is_star ? ERR_INVALID : sip_uri_parse(na->uri_text, uri);
}

enum err sip_get_u32(const struct sip_msg *m, enum sip_hdr id, uint32_t *out)
{
    return sip_has(m, id) ? sip_number_parse(sip_get(m, id), UINT32_MAX, out) : ERR_NOT_FOUND;
}

enum err sip_get_session_expires(const struct sip_msg *m, struct sip_session_expires *out)
{
    if (!sip_has(m, SIP_H_SESSION_EXPIRES))
        return ERR_NOT_FOUND;
    return sip_session_expires_parse(sip_get(m, SIP_H_SESSION_EXPIRES), out);
}

enum err sip_get_rack(const struct sip_msg *m, struct sip_rack *out)
{
    return sip_has(m, SIP_H_RACK) ? sip_rack_parse(sip_get(m, SIP_H_RACK), out) : ERR_NOT_FOUND;
}

enum err sip_get_retry_after(const struct sip_msg *m, struct sip_retry_after *out)
{
    if (!sip_has(m, SIP_H_RETRY_AFTER))
        return ERR_NOT_FOUND;
    return sip_retry_after_parse(sip_get(m, SIP_H_RETRY_AFTER), out);
}

enum err sip_get_reason(const struct sip_msg *m, struct slice protocol, struct sip_reason *out)
{
    struct sip_iter it;
    struct slice item;
    enum err e = ERR_NOT_FOUND;
    sip_iter_init(&it, m, SIP_H_REASON);
    while (sip_iter_next(&it, &item)) {
        if (sip_reason_parse(item, out) != OK)
            e = ERR_INVALID; /* a good one may follow */
        else if (protocol.len == 0 || slice_ieq(out->protocol, protocol))
            return OK;
    }
    *out = (struct sip_reason){0};
    return e;
}

uint32_t sip_get_options(const struct sip_msg *m, enum sip_hdr id)
{
    struct sip_iter it;
    struct slice tag;
    uint32_t bits = 0;
    sip_iter_init(&it, m, id);
    while (sip_iter_next(&it, &tag))
        bits |= sip_option_find(tag);
    return bits;
}

uint32_t sip_get_allow(const struct sip_msg *m)
{
    struct sip_iter it;
    struct slice name;
    uint32_t bits = 0;
    sip_iter_init(&it, m, SIP_H_ALLOW);
    while (sip_iter_next(&it, &name))
        bits |= SIP_METHOD_BIT(sip_method_find(name));
    return bits;
}
